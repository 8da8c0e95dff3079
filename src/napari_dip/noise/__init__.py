"""What the sensor did to an image: noise, padding, compression. numpy only."""
