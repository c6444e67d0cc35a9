"""From weights and model card to a SavedModel version that is served."""
