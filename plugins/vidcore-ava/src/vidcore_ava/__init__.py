"""AVA and AVA-Kinetics: atomic actions of persons in films, boxes at one key frame a second."""
