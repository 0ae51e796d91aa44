"""What an operator imports: two Grafana dashboards, ten alerts, and how Prometheus finds the server.

Everything here follows from the metric catalogue and is plain data turned into text; it knows no server, no database and
no network. A Grafana can not be started by the tests, so each query is run against a real Prometheus instead, and the
JSON is held to rules of its own.
"""
