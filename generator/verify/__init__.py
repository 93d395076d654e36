"""Does every selector find series, and does what watches the models work?"""
