from tests.support.figures import figures
from tests.support.fixtures import history, hub, shared_hub

__all__ = ["figures", "history", "hub", "shared_hub"]
