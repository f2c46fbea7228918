"""Pictures that go along with messages: heat maps, stamped photos, shop signs. Pillow only, same input,
same bytes.
"""
