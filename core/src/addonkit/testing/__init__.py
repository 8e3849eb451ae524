"""Fakes and checks for tests of addons and of addonkit itself; nothing else imports it."""
