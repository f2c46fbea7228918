"""Reading shop signs: which customer is in front of the camera."""
