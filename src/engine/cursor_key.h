// The secret that cursors of a store are signed with, in its file cursor.key: who cannot read that
// file can neither forge a cursor nor be given one. It is no part of the log and not of a backup: a
// store made of one gets another, and cursors end with it.
//
// Format: "cairn cursor key 1\n", 64 hexadecimal digits, "\n"; mode 0600.
#pragma once

#include <optional>
#include <string>

#include "base/file_system.h"
#include "base/mac.h"
#include "base/result.h"
#include "engine/store_layout.h"

namespace cairn::engine {

// nullopt: it is not there, or is no such file. Errors: Io (it is there, but cannot be read now).
Result<std::optional<MacKey>> read_cursor_key(FileSystem& files, const StoreLayout& layout);
// Makes it, durably, in place of what is no key. For who holds the writer's lock. Errors: Io,
// Exhausted.
Result<MacKey> make_cursor_key(FileSystem& files, const StoreLayout& layout);

// What an open store knows of it. Without one there are no cursors, which snapshots say; nothing
// that keeps anybody from reading the store, or writing to it.
struct CursorKey {
  std::optional<MacKey> key;
  std::string failure;  // why it cannot be read, or made; "" = there is a key, or no such file
};
CursorKey find_cursor_key(FileSystem& files, const StoreLayout& layout);
// The same, and makes it where there is none: for who holds the writer's lock. One that cannot be
// read now stays, as others go on making cursors with it.
CursorKey find_or_make_cursor_key(FileSystem& files, const StoreLayout& layout);

}  // namespace cairn::engine
