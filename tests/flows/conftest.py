from tests.support.figures import figures
from tests.support.fixtures import history, hub, redis_server, shared_hub

__all__ = ["figures", "history", "hub", "redis_server", "shared_hub"]
