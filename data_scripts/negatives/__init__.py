"""Three families of hard negatives, each proven false before it is kept: image, rules, retrieval."""
