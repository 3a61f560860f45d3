// Damaged log files: readers give back a prefix of what was written, or say Corruption.
#include <memory>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "log/log_reader.h"
#include "log/log_writer.h"
#include "support/forgetful_file_system.h"
#include "support/log_records.h"

using namespace cairn;

namespace {

const std::string kFile = testing::kLogDirectory + "/00000000000000000001.log";

struct GoodLog {
  std::vector<std::byte> bytes;
  std::vector<testing::LoggedFrame> frames;
};

GoodLog write_good_log() {
  testing::ForgetfulFileSystem files;
  auto opened = log::LogWriter::open(files, testing::kLogDirectory, testing::kStoreId,
                                     log::LogOptions{}, Lsn{0}, nullptr);
  testing::promise(opened.ok(), "a new log can be made");
  std::mt19937_64 random(1);
  for (uint32_t count = 1; count <= 8; ++count) {
    const auto payload = testing::random_payload(random);
    testing::promise((*opened)->append(payload, count).ok(), "records can be appended");
    testing::promise((*opened)->sync().ok(), "records can be synced");
  }
  testing::promise((*opened)->close().ok(), "the log can be closed");
  auto frames = testing::read_log(files);
  testing::promise(frames.ok() && frames->size() == 8, "all records are there");
  return {files.read_file(kFile), *std::move(frames)};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const GoodLog good = write_good_log();
  const ptrdiff_t cut = size > 0 ? data[0] % 128 : 0;  // missing at the end
  std::vector<std::byte> bytes(good.bytes.begin(), good.bytes.end() - cut);
  if (size > 1) testing::damage(bytes, data + 1, size - 1);
  testing::ForgetfulFileSystem files;
  testing::promise(files.make_directory(testing::kLogDirectory).ok(), "directories can be made");
  files.write_file(kFile, bytes);
  const auto frames = testing::read_log(files);
  if (frames.ok()) {
    testing::promise(frames->size() <= good.frames.size(), "no record is made up");
    for (size_t i = 0; i < frames->size(); ++i) {
      testing::promise((*frames)[i] == good.frames[i], "records are as they were written");
    }
  } else {
    testing::promise(!frames.error().message.empty(), "errors have a text");
  }
  static_cast<void>(log::check_log(files, testing::kLogDirectory, testing::kStoreId));
  return 0;
}
