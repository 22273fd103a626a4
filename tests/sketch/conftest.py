from hypothesis import settings

# Kernels are compiled when first used, so the first example of a test may take long.
settings.register_profile("steady", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("steady")
