"""Reads what Windows' loader reads of an executable or DLL ("PE Format", Microsoft), 64-bit files only."""

import struct

# Indexes into the data directories of the optional header.
IMPORTS, RESOURCES, DELAYED_IMPORTS = 1, 2, 13


class BadFile(Exception):
    """The file is no 64-bit executable or DLL."""


class Image:
    """One file."""

    def __init__(self, path):
        self.name = path.name
        self.data = path.read_bytes()
        start = struct.unpack_from("<I", self.data, 0x3C)[0] if self.data[:2] == b"MZ" else 0
        self.optional = start + 24
        if self.data[start:start + 4] != b"PE\0\0" or struct.unpack_from("<H", self.data, self.optional)[0] != 0x20B:
            raise BadFile(f"{path} is no 64-bit program or DLL")
        count, size = (struct.unpack_from("<H", self.data, start + at)[0] for at in (6, 20))
        table = self.optional + size
        # (virtual address, virtual size, offset in the file, size in the file)
        self.sections = []
        for index in range(count):
            virtual_size, address, raw_size, raw = struct.unpack_from("<IIII", self.data, table + index * 40 + 8)
            self.sections.append((address, max(virtual_size, raw_size), raw))

    def subsystem(self):
        """2 for a window program, 3 for a console program."""
        return struct.unpack_from("<H", self.data, self.optional + 68)[0]

    def directory(self, index):
        """Virtual address of a data directory, 0 when there is none."""
        count = struct.unpack_from("<I", self.data, self.optional + 108)[0]
        return struct.unpack_from("<I", self.data, self.optional + 112 + index * 8)[0] if index < count else 0

    def offset(self, address):
        """Where in the file a virtual address is."""
        for start, size, raw in self.sections:
            if start <= address < start + size:
                return raw + address - start
        raise BadFile(f"{self.name}: address {address:#x} is in no section")

    def imports(self):
        """Names of the DLLs it is linked to, also those that are loaded at their first use, in lower case."""
        names = set()
        # Size of a table's entry, and where in it the address of the name is.
        for index, entry, name_at in ((IMPORTS, 20, 12), (DELAYED_IMPORTS, 32, 4)):
            address = self.directory(index)
            at = self.offset(address) if address else None
            while at is not None:
                name = struct.unpack_from("<I", self.data, at + name_at)[0]
                if name == 0:
                    break
                begin = self.offset(name)
                names.add(self.data[begin:self.data.index(b"\0", begin)].decode("ascii").lower())
                at += entry
        return names

    def resources(self):
        """{kind: [bytes of each resource of that kind]}; kinds are numbers, or names at the top of the tree."""
        address = self.directory(RESOURCES)
        if not address:
            return {}
        base, found = self.offset(address), {}

        def walk(offset, kind):
            named, numbered = struct.unpack_from("<HH", self.data, base + offset + 12)
            for entry in range(named + numbered):
                identity, target = struct.unpack_from("<II", self.data, base + offset + 16 + entry * 8)
                if target & 0x80000000:
                    walk(target & 0x7FFFFFFF, identity if kind is None else kind)
                else:
                    where, length = struct.unpack_from("<II", self.data, base + target)
                    begin = self.offset(where)
                    found.setdefault(kind, []).append(self.data[begin:begin + length])

        walk(0, None)
        return found
