// Hostile log files: opening, reading, checking and recovering end with frames or an error, in
// memory bounded by the limits of log/log_format.h. (log_fuzz.cc damages sound logs.)
//
// The input is used as the stored payload of a frame whose checksums are right, and as the bytes
// behind a right file header, where checksums stop it sooner.
#include <cstdint>
#include <vector>

#include "fuzz/fuzz.h"
#include "log/log_frame.h"
#include "log/log_reader.h"
#include "log/log_writer.h"
#include "support/forgetful_file_system.h"
#include "support/log_records.h"

using namespace cairn;

namespace {

using Bytes = std::span<const std::byte>;

void decode_payload(Bytes input) {
  log::FrameHeader header;
  header.codec = log::FrameCodec::Zstd;
  header.stored_bytes = static_cast<uint32_t>(input.size());
  header.raw_bytes = 1 << 16;
  log::FrameDecoder decoder;
  const auto payload = decoder.decode(header, input);
  testing::promise(!payload.ok() || payload->size() == header.raw_bytes,
                   "a payload has the length its header names");
}

void use_file(Bytes input) {
  const auto header = log::encode_file_header({log::kLogFormatVersion, testing::kStoreId, Lsn{1}});
  std::vector<std::byte> bytes(header.begin(), header.end());
  bytes.insert(bytes.end(), input.begin(), input.end());
  testing::ForgetfulFileSystem files;
  files.write_file(testing::kLogDirectory + "/" + log::log_file_name(Lsn{1}), std::move(bytes));

  const auto frames = testing::read_log(files);
  static_cast<void>(log::check_log(files, testing::kLogDirectory, testing::kStoreId));
  const auto writer = log::LogWriter::open(files, testing::kLogDirectory, testing::kStoreId,
                                           log::LogOptions{}, Lsn{0}, nullptr);
  if (!frames.ok() || !writer.ok()) return;
  const auto recovered = testing::read_log(files);
  testing::promise(recovered.ok() && *recovered == *frames, "recovery cuts off no record");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  decode_payload(input);
  use_file(input);
  return 0;
}
