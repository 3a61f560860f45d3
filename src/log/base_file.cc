// A base file, little-endian (docs/format.md, section "Base"):
//   header 64: magic "CAIRNBAS" | version u32 | blocks u32 | store id 16 | LSN u64
//              | directory offset u64 | zero 8 | checksum u64
//   frames as in a log file, one a block, numbered from 1, then one that is the directory:
//   for each block kind u32 | count u32 | first u64 | last u64 | offset u64
#include "log/base_file.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>

#include "log/log_files.h"

namespace cairn::log {
namespace {

constexpr std::string_view kMagic = "CAIRNBAS";
constexpr uint64_t kHeaderBytes = 64;
constexpr uint64_t kChecksumAt = 56;
constexpr size_t kEntryBytes = 32;
constexpr size_t kDigits = 20;
constexpr std::string_view kSuffix = ".base";
// Written once and read rarely: worth more work than the log's own frames.
constexpr int kCompressionLevel = 3;

template <class T>
void put(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

template <class T>
T get(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Frames of a base file must not pass for those of the log file with the same number.
uint64_t base_seed(const Uuid& store_id, Lsn lsn) { return file_seed(store_id, Lsn{~raw(lsn)}); }

struct Header {
  uint32_t version = kBaseFormatVersion;
  uint32_t blocks = 0;
  Uuid store_id;
  Lsn lsn{};
  uint64_t directory = 0;
};

using HeaderBytes = std::array<std::byte, kHeaderBytes>;

uint64_t checksum(const HeaderBytes& bytes) {
  return hash64(as_chars(std::span(bytes).first(kChecksumAt)));
}

HeaderBytes encode_header(const Header& header) {
  HeaderBytes bytes{};
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  put(&bytes[8], header.version);
  put(&bytes[12], header.blocks);
  std::memcpy(&bytes[16], header.store_id.bytes.data(), header.store_id.bytes.size());
  put(&bytes[32], raw(header.lsn));
  put(&bytes[40], header.directory);
  put(&bytes[kChecksumAt], checksum(bytes));
  return bytes;
}

std::optional<Header> decode_header(const HeaderBytes& bytes) {
  if (std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) return std::nullopt;
  if (get<uint64_t>(&bytes[kChecksumAt]) != checksum(bytes)) return std::nullopt;
  Header header;
  header.version = get<uint32_t>(&bytes[8]);
  header.blocks = get<uint32_t>(&bytes[12]);
  std::memcpy(header.store_id.bytes.data(), &bytes[16], header.store_id.bytes.size());
  header.lsn = Lsn{get<uint64_t>(&bytes[32])};
  header.directory = get<uint64_t>(&bytes[40]);
  return header;
}

}  // namespace

std::string base_file_name(Lsn lsn) { return fmt::format("{:020}{}", raw(lsn), kSuffix); }

std::optional<Lsn> parse_base_file_name(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  uint64_t lsn = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kDigits, lsn);
  if (error != std::errc() || end != name.data() + kDigits || lsn == 0) return std::nullopt;
  return Lsn{lsn};
}

// --- Writing -----------------------------------------------------------------------------------

struct BaseFileWriter::Impl {
  Impl(FileSystem& file_system, const std::string& dir, const Uuid& id, Lsn base)
      : files(file_system),
        directory(dir),
        path(dir + "/" + base_file_name(base)),
        store_id(id),
        lsn(base),
        seed(base_seed(id, base)),
        encoder(kCompressionLevel) {}

  std::string unnamed() const { return path + ".new"; }

  Result<void> write_frame(uint32_t count, std::span<const std::byte> payload) {
    CAIRN_TRY_ASSIGN(const uint64_t frame_bytes, encoder.set_payload(payload));
    FrameHeader header;
    header.count = count;
    header.first_lsn = Lsn{++frames};
    CAIRN_TRY(file->write_at(end, encoder.seal(header, {seed, end})));
    end += frame_bytes;
    return {};
  }

  FileSystem& files;
  const std::string directory;
  const std::string path;
  const Uuid store_id;
  const Lsn lsn;
  const uint64_t seed;
  FrameEncoder encoder;
  std::unique_ptr<File> file;
  uint64_t end = kHeaderBytes;
  uint64_t frames = 0;
  std::vector<std::byte> entries;  // of the directory
};

BaseFileWriter::BaseFileWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

BaseFileWriter::~BaseFileWriter() {
  // What is left over is removed by the next attempt too: an error here has no consequence.
  if (impl_->file) [[maybe_unused]]
    const auto removed = impl_->files.remove_file(impl_->unnamed());
}

Result<std::unique_ptr<BaseFileWriter>> BaseFileWriter::create(FileSystem& files,
                                                               const std::string& directory,
                                                               const Uuid& store_id, Lsn lsn) {
  auto impl = std::make_unique<Impl>(files, directory, store_id, lsn);
  CAIRN_TRY_ASSIGN(const bool left_over, files.exists(impl->unnamed()));
  if (left_over) CAIRN_TRY(files.remove_file(impl->unnamed()));
  CAIRN_TRY_ASSIGN(impl->file, files.open(impl->unnamed(), OpenMode::Create));
  return std::unique_ptr<BaseFileWriter>(new BaseFileWriter(std::move(impl)));
}

Result<void> BaseFileWriter::append(const BlockInfo& info, std::span<const std::byte> payload) {
  CAIRN_ASSERT(info.count > 0);
  std::array<std::byte, kEntryBytes> entry{};
  put(&entry[0], info.kind);
  put(&entry[4], info.count);
  put(&entry[8], info.first);
  put(&entry[16], info.last);
  put(&entry[24], impl_->end);
  CAIRN_TRY(impl_->write_frame(info.count, payload));
  impl_->entries.insert(impl_->entries.end(), entry.begin(), entry.end());
  return {};
}

Result<void> BaseFileWriter::seal() {
  const auto blocks = static_cast<uint32_t>(impl_->entries.size() / kEntryBytes);
  CAIRN_ASSERT(blocks > 0);
  const uint64_t directory = impl_->end;
  CAIRN_TRY(impl_->write_frame(blocks, impl_->entries));
  const HeaderBytes header =
      encode_header({kBaseFormatVersion, blocks, impl_->store_id, impl_->lsn, directory});
  CAIRN_TRY(impl_->file->write_at(0, header));
  return impl_->file->sync();
}

Result<void> BaseFileWriter::install() {
  CAIRN_TRY(impl_->files.rename(impl_->unnamed(), impl_->path));
  impl_->file.reset();
  return impl_->files.sync_directory(impl_->directory);
}

uint64_t BaseFileWriter::bytes() const { return impl_->end; }

// --- Reading -----------------------------------------------------------------------------------

struct BaseFileReader::Impl {
  Error broken(uint64_t offset, const std::string& what) const {
    return damaged(path, offset, what);
  }

  // The payload of the frame at `offset`, which must have this number.
  Result<std::vector<std::byte>> frame(uint64_t offset, uint64_t number) const {
    if (offset < kHeaderBytes || offset > size || size - offset < kFrameHeaderBytes) {
      return broken(offset, "a block lies outside the file");
    }
    std::array<std::byte, kFrameHeaderBytes> head{};
    CAIRN_TRY_ASSIGN(const size_t got, file->read_at(offset, head));
    const auto header = decode_frame_header(head, {seed, offset});
    const bool fits = got == head.size() && header && raw(header->first_lsn) == number &&
                      header->payload_end() <= size - offset;
    if (!fits) return broken(offset, fmt::format("block {} is damaged", number));
    std::vector<std::byte> stored(header->stored_bytes);
    CAIRN_TRY_ASSIGN(const size_t read, file->read_at(offset + kFrameHeaderBytes, stored));
    if (read != stored.size() || !payload_matches(*header, stored, {seed, offset})) {
      return broken(offset, fmt::format("block {} is damaged", number));
    }
    FrameDecoder decoder;
    auto payload = decoder.decode(*header, stored);
    if (!payload.ok()) return broken(offset, payload.error().message);
    return payload;
  }

  Result<Header> read_header() const {
    HeaderBytes bytes{};
    CAIRN_TRY_ASSIGN(const size_t read, file->read_at(0, bytes));
    const auto header = decode_header(bytes);
    if (read != bytes.size() || !header) return broken(0, "the file header is damaged");
    if (header->version != kBaseFormatVersion) {
      return make_error(ErrorCode::Unsupported,
                        fmt::format("{} has base format version {}; this build reads version {}. "
                                    "Use a newer cairn.",
                                    path, header->version, kBaseFormatVersion));
    }
    return *header;
  }

  Result<void> read_directory(const Header& header) {
    CAIRN_TRY_ASSIGN(const auto entries, frame(header.directory, uint64_t{header.blocks} + 1));
    if (entries.size() != header.blocks * kEntryBytes) {
      return broken(header.directory, "the directory of blocks is damaged");
    }
    for (size_t at = 0; at < entries.size(); at += kEntryBytes) {
      const std::byte* entry = entries.data() + at;
      blocks.push_back({get<uint32_t>(entry), get<uint32_t>(entry + 4), get<uint64_t>(entry + 8),
                        get<uint64_t>(entry + 16)});
      offsets.push_back(get<uint64_t>(entry + 24));
    }
    return {};
  }

  std::string path;
  std::unique_ptr<File> file;
  uint64_t size = 0;
  uint64_t seed = 0;
  std::vector<BlockInfo> blocks;
  std::vector<uint64_t> offsets;
};

BaseFileReader::BaseFileReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BaseFileReader::~BaseFileReader() = default;

Result<std::unique_ptr<BaseFileReader>> BaseFileReader::open(FileSystem& files,
                                                             const std::string& directory,
                                                             const Uuid& store_id, Lsn lsn) {
  auto impl = std::make_unique<Impl>();
  impl->path = directory + "/" + base_file_name(lsn);
  CAIRN_TRY_ASSIGN(impl->file, files.open(impl->path, OpenMode::Read));
  CAIRN_TRY_ASSIGN(impl->size, impl->file->size());
  impl->seed = base_seed(store_id, lsn);
  CAIRN_TRY_ASSIGN(const Header header, impl->read_header());
  if (header.store_id != store_id) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("{} belongs to store {}, not to {}: it was put into the wrong "
                                  "directory",
                                  impl->path, header.store_id.dashed(), store_id.dashed()));
  }
  if (header.lsn != lsn) {
    return impl->broken(0, fmt::format("the file was renamed, its header says that it ends with "
                                       "record {}",
                                       raw(header.lsn)));
  }
  CAIRN_TRY(impl->read_directory(header));
  return std::unique_ptr<BaseFileReader>(new BaseFileReader(std::move(impl)));
}

const std::vector<BlockInfo>& BaseFileReader::blocks() const { return impl_->blocks; }
Result<std::vector<std::byte>> BaseFileReader::read(size_t index) const {
  CAIRN_ASSERT(index < impl_->offsets.size());
  return impl_->frame(impl_->offsets[index], index + 1);
}
const std::string& BaseFileReader::path() const { return impl_->path; }
uint64_t BaseFileReader::bytes() const { return impl_->size; }

}  // namespace cairn::log
