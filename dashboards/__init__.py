"""Grafana dashboards as code, the JSON generated from them, and the commands that check, export and push it."""
