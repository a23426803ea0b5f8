"""vidcore-tools: commands for people who write experiments and plugins."""
