"""Servers as processes of this machine: no container engine, no root."""
