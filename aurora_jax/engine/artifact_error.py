"""What goes wrong with artifacts."""


class ArtifactError(RuntimeError):
    """An artifact that cannot be used; the message names the file and the remedy."""
