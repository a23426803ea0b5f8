"""A made plugin: data, model and callbacks so small that the engine can be killed, resumed and compared all day."""
