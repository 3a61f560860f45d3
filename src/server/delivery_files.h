// What a destination of notifications keeps in STORE/deliveries:
//
//   NAME.json          how far it is: written to a new file, synced, renamed
//   NAME.dead.jsonl    messages that were given up, one JSON object a line, with the reason
//   NAME.dead.1.jsonl  the file before, once that had kMaxDeadBytes; an older one is removed
//   NAME.again.jsonl   dead letters to send again: somebody renames the file of dead ones to this
//
// Thread: one at a time. Errors: Io, Exhausted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alert/delivery_queue.h"
#include "base/file_system.h"
#include "base/result.h"
#include "base/uuid.h"

namespace cairn::server {

inline constexpr uint64_t kMaxDeadBytes = 16u << 20;

struct DeadLetter {
  alert::Letter letter;
  uint32_t attempts = 0;
  TimeUs given_up{};
  std::string why;
};

class DeliveryFiles {
 public:
  DeliveryFiles(FileSystem& files, const std::string& store_directory, std::string name,
                const Uuid& store);

  // No file: a new destination, that begins with all there is. Corruption: names the file.
  Result<alert::DeliveryCursor> read_cursor() const;
  Result<void> write_cursor(const alert::DeliveryCursor& cursor);

  // Durable when it returns. True: an older file of dead letters had to go.
  Result<bool> bury(const DeadLetter& dead);

  // The lines from byte `offset` on, at most `limit`, as letters with the number of their line
  // as place; lines that are none are counted.
  struct Again {
    std::vector<alert::Letter> letters;
    uint64_t next_offset = 0;
    uint64_t next_line = 0;
    uint64_t bad_lines = 0;
    bool end = false;
  };
  // nullopt: there is no such file.
  Result<std::optional<Again>> read_again(uint64_t offset, uint64_t line, size_t limit) const;
  Result<void> remove_again();

  const std::string& cursor_path() const { return cursor_path_; }
  const std::string& dead_path() const { return dead_path_; }

 private:
  FileSystem& files_;
  const std::string directory_;
  const std::string cursor_path_;
  const std::string dead_path_;
  const std::string dead_before_path_;
  const std::string again_path_;
  const Uuid store_;
};

}  // namespace cairn::server
