"""What can be said about a restored image without knowing the truth."""
