"""Notifications: what people and machines are told about appointments, by mail, SMS and webhook."""
