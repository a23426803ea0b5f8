"""Curves and configurations of vidcore runs in MLflow."""
