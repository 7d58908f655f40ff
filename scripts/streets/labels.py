"""The classes of the label maps: Cityscapes' 19 train ids and their names."""

NAMES = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation", "terrain",
    "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
)  # fmt: skip
"""Class names; the index is the class id."""

ROAD, SIDEWALK, BUILDING, WALL, FENCE, POLE, LIGHT, SIGN, VEGETATION, TERRAIN = range(10)
SKY, PERSON, RIDER, CAR, TRUCK, BUS, TRAIN, MOTORCYCLE, BICYCLE = range(10, 19)

OBJECTS = {CAR: "car", PERSON: "person", POLE: "street lamp"}
"""What is boxed, and what a detector calls it."""

IGNORE = 255
"""Pixels that neither training nor a metric looks at."""
