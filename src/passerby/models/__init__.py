"""The model files, each with its card; nothing but data. `passerby.detect.zoo` reads them."""
