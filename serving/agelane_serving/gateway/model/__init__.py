"""What answers: model servers, their versions, and what those say."""
