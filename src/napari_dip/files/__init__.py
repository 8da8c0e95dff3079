"""Read images from files and write results to them. Runs can be resumed."""
