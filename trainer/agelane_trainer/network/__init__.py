"""The two networks: ResNet50 for the age, BlazeFace for the face."""
