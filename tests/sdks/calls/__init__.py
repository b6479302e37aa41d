"""One module for each SDK: `calls(foreign, own)` gives its calls, by way of calling."""
