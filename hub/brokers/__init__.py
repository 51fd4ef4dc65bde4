"""Brokers carry committed events between the processes of one hub. They keep nothing."""
