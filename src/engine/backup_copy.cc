#include "engine/backup_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/hash.h"

namespace cairn::engine {
namespace {

constexpr uint64_t kPieceBytes = 1u << 20;

// Calls fn(offset, piece) for the first `bytes` of a file.
template <class F>
Result<void> for_each_piece(const File& file, const std::string& path, uint64_t bytes, F&& fn) {
  std::vector<std::byte> piece(std::min(bytes, kPieceBytes));
  for (uint64_t offset = 0; offset < bytes; offset += kPieceBytes) {
    const auto wanted = std::span(piece).first(std::min(kPieceBytes, bytes - offset));
    CAIRN_TRY_ASSIGN(const size_t read, file.read_at(offset, wanted));
    if (read < wanted.size()) {
      return make_error(ErrorCode::Corruption, fmt::format("{} ends at byte {}, it should have {}",
                                                           path, offset + read, bytes));
    }
    CAIRN_TRY(fn(offset, std::span<const std::byte>(wanted)));
  }
  return {};
}

Result<std::unique_ptr<File>> open_copy(FileSystem& files, const FileCopy& copy) {
  if (copy.present > 0) return files.open(copy.to, OpenMode::ReadWrite);
  CAIRN_TRY_ASSIGN(const bool there, files.exists(copy.to));
  if (there) CAIRN_TRY(files.remove_file(copy.to));
  return files.open(copy.to, OpenMode::Create);
}

}  // namespace

Result<CopiedFile> copy_file(FileSystem& files, const FileCopy& copy,
                             const std::function<void(uint64_t)>& tell) {
  CAIRN_TRY_ASSIGN(const auto from, files.open(copy.from, OpenMode::Read));
  CAIRN_TRY_ASSIGN(const auto to, open_copy(files, copy));
  CopiedFile copied;
  const auto take = [&](uint64_t offset, std::span<const std::byte> piece) -> Result<void> {
    const uint64_t present = copy.present > offset ? copy.present - offset : 0;
    if (present > 0) {
      const auto known = piece.first(std::min<size_t>(present, piece.size()));
      copied.checksum_of_present = hash64(as_chars(known), copied.checksum);
    }
    copied.checksum = hash64(as_chars(piece), copied.checksum);
    tell(piece.size());
    if (present >= piece.size()) return {};
    return to->write_at(offset + present, piece.subspan(present));
  };
  CAIRN_TRY(for_each_piece(*from, copy.from, copy.bytes, take));
  CAIRN_TRY(to->sync());
  return copied;
}

Result<uint64_t> checksum_file(FileSystem& files, const std::string& path, uint64_t bytes,
                               const std::function<void(uint64_t)>& tell) {
  CAIRN_TRY_ASSIGN(const auto file, files.open(path, OpenMode::Read));
  uint64_t checksum = 0;
  CAIRN_TRY(for_each_piece(*file, path, bytes,
                           [&](uint64_t, std::span<const std::byte> piece) -> Result<void> {
                             checksum = hash64(as_chars(piece), checksum);
                             tell(piece.size());
                             return {};
                           }));
  return checksum;
}

}  // namespace cairn::engine
