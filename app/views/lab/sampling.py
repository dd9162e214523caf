from app import lab


def page() -> None:
    """The view."""
    lab.begin("sampling")
