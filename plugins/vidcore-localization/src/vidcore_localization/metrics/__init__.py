"""How good proposals, detections and frame labels are."""
