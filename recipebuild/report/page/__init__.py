"""The report as HTML: one file that needs no network, made of a manifest and of files that it names.

    write_report(folder)                  # build/<name>/report.html
    comparison([folder, folder])          # a page that sets builds side by side

Imports nothing that a build needs: a report can be made where torch and onnx are not installed.
"""
