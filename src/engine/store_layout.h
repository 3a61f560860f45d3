// Where the pieces of a store lie in its directory, and the file that says it is one.
//
//   DIR/cairn.store   identity: format version and store id (text, written once)
//   DIR/lock          held by the one writing process
//   DIR/cursor.key    what cursors are signed with (cursor_key.h); no part of a backup
//   DIR/log/          the log: the truth
//   DIR/index/        LMDB: a pure function of the log, may be deleted
#pragma once

#include <string>

#include "base/file_system.h"
#include "base/result.h"
#include "base/uuid.h"

namespace cairn::engine {

inline constexpr int kStoreFormat = 1;

struct StoreLayout {
  explicit StoreLayout(std::string directory) : root(std::move(directory)) {}
  std::string identity() const { return root + "/cairn.store"; }
  std::string lock() const { return root + "/lock"; }
  std::string cursor_key() const { return root + "/cursor.key"; }
  std::string log() const { return root + "/log"; }
  std::string index() const { return root + "/index"; }
  // A rebuild in progress, and an index on its way out.
  std::string new_index() const { return root + "/index.new"; }
  std::string old_index() const { return root + "/index.old"; }

  std::string root;
};

// NotFound: no store there. Conflict: it is a backup. Unsupported: a newer format. Corruption: not
// readable as one.
Result<Uuid> read_identity(FileSystem& files, const StoreLayout& layout);
// Makes the directory the store with this id, durably.
Result<void> write_identity(FileSystem& files, const StoreLayout& layout, const Uuid& id);
// Makes the directory a store with a fresh id. Conflict: it holds something else already.
Result<Uuid> create_identity(FileSystem& files, const StoreLayout& layout);

// The new index takes the old one's place. A crash in between leaves the old one under another
// name, from where the next writer takes it back.
Result<void> swap_index(FileSystem& files, const StoreLayout& layout);

// Removes a directory of plain files and everything in it; ok when it is not there.
Result<void> remove_directory(const std::string& path);

}  // namespace cairn::engine
