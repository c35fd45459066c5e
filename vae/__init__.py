"""The variational autoencoder over automata: encoding, model, losses, training, metrics."""
