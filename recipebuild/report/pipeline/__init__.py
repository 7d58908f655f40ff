"""The steps of a build and how they hang together, drawn: as SVG, and as text for Mermaid and Graphviz."""
