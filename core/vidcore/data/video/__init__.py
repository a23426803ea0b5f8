"""Reading videos: exact frames by index, decoded once, cropped and scaled on the way out.

Route: `pyav.PyAV` is the decoder component; `reader.PyAVReader` an open video; `frame_index` says which packets to
decode for a frame and `scan` finds that out; `scaling` makes the pixels of a view, `views` those of a view of frames in
memory. Importing this package imports none of them.
"""
