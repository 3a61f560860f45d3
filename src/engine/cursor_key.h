// The secret that cursors of a store are signed with, in its file cursor.key: who cannot read that
// file can neither forge a cursor nor be given one. It is no part of the log and not of a backup: a
// store made of one gets another, and cursors end with it.
//
// Format: "cairn cursor key 1\n", 64 hexadecimal digits, "\n"; mode 0600.
#pragma once

#include <optional>

#include "base/file_system.h"
#include "base/mac.h"
#include "base/result.h"
#include "engine/store_layout.h"

namespace cairn::engine {

// nullopt: it is not there, may not be read, or is no such file: nothing that keeps anybody from
// reading the store.
std::optional<MacKey> read_cursor_key(FileSystem& files, const StoreLayout& layout);
// Makes it, durably, in place of what is no key. For who holds the writer's lock. Errors: Io,
// Exhausted.
Result<MacKey> make_cursor_key(FileSystem& files, const StoreLayout& layout);

}  // namespace cairn::engine
