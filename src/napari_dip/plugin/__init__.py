"""The napari plugin: layers in, layers out."""
