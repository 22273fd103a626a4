"""What the stages of a probe share; public for stages of third parties."""
