"""Frames that lie one by one, read as videos.

Route: `decoders` opens a path; `stores` lists and reads the files of a folder or an archive; `sequences` finds the
frames among them by `templates`; `pictures` decodes one. `arrays` reads frames that were saved as numbers.
"""
