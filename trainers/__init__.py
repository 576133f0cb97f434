"""How the models are made: losses, collators, trainers and the commands that run them."""
