from tests.support.fixtures import history, hub, shared_hub

__all__ = ["history", "hub", "shared_hub"]
