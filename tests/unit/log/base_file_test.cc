#include "log/base_file.h"

#include <catch2/catch.hpp>

#include "log/log_files.h"
#include "log/log_reader.h"
#include "log/log_writer.h"
#include "support/forgetful_file_system.h"
#include "support/log_records.h"

namespace cairn::log {
namespace {

using testing::bytes_of;
using testing::ForgetfulFileSystem;
using testing::kLogDirectory;
using testing::kStoreId;

constexpr Lsn kBase{12};
const std::string kPath = kLogDirectory + "/" + base_file_name(kBase);

void write_base(ForgetfulFileSystem& files, Lsn lsn = kBase) {
  REQUIRE(files.make_directory(kLogDirectory).ok());
  auto writer = BaseFileWriter::create(files, kLogDirectory, kStoreId, lsn);
  REQUIRE(writer.ok());
  REQUIRE((*writer)->append({9, 2, 3, 11}, bytes_of("some records, compressed or not")).ok());
  REQUIRE((*writer)->append({2, 1, 0, 0}, bytes_of(std::string(5000, 'x'))).ok());
  REQUIRE((*writer)->seal().ok());
  REQUIRE((*writer)->install().ok());
}

// Ten files of a few records each; returns the first LSNs.
std::vector<Lsn> write_log(ForgetfulFileSystem& files) {
  constexpr LogOptions kSmall{.file_bytes = 512, .allocate_bytes = 0, .compression_level = 0};
  auto writer = LogWriter::open(files, kLogDirectory, kStoreId, kSmall, Lsn{0}, nullptr);
  REQUIRE(writer.ok());
  std::vector<Lsn> firsts;
  for (int i = 0; i < 30; ++i) {
    const auto position = (*writer)->append(bytes_of(std::string(100, 'r')), 1);
    REQUIRE(position.ok());
    if (firsts.empty() || firsts.back() != position->file_first_lsn) {
      firsts.push_back(position->file_first_lsn);
    }
  }
  REQUIRE((*writer)->close().ok());
  return firsts;
}

TEST_CASE("base file names are 20 digits") {
  CHECK(base_file_name(Lsn{12}) == "00000000000000000012.base");
  CHECK(parse_base_file_name("00000000000000000012.base") == Lsn{12});
  for (const char* name : {"00000000000000000000.base", "12.base", "0000000000000000001x.base",
                           "00000000000000000012.log", "00000000000000000012.base.new"}) {
    CHECK_FALSE(parse_base_file_name(name));
  }
}

TEST_CASE("blocks come back as they were written, once the file has its name") {
  ForgetfulFileSystem files;
  write_base(files);
  files.crash();  // what was installed is durable
  const auto base = BaseFileReader::open(files, kLogDirectory, kStoreId, kBase);
  INFO((base.ok() ? std::string() : base.error().message));
  REQUIRE(base.ok());
  REQUIRE((*base)->blocks().size() == 2);
  CHECK((*base)->blocks()[0].kind == 9);
  CHECK((*base)->blocks()[0].count == 2);
  CHECK((*base)->blocks()[0].first == 3);
  CHECK((*base)->blocks()[0].last == 11);
  CHECK((*base)->read(1).value() == bytes_of(std::string(5000, 'x')));
  CHECK((*base)->bytes() == files.read_file(kPath).size());
  CHECK((*base)->bytes() < 2000);  // compressed
}

TEST_CASE("every flipped bit and every cut of a base file is noticed") {
  ForgetfulFileSystem files;
  write_base(files);
  const auto whole = files.read_file(kPath);
  const auto sound = [&] {
    const auto base = BaseFileReader::open(files, kLogDirectory, kStoreId, kBase);
    if (!base.ok()) return false;
    for (size_t i = 0; i < (*base)->blocks().size(); ++i) {
      if (!(*base)->read(i).ok()) return false;
    }
    return true;
  };
  REQUIRE(sound());
  size_t unnoticed = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    auto bytes = whole;
    bytes[at] ^= std::byte{0x08};
    files.write_file(kPath, std::move(bytes));
    unnoticed += sound() ? 1 : 0;
  }
  CHECK(unnoticed < 8 * 3);  // zeros between frames
  for (size_t size = 0; size + 8 < whole.size(); ++size) {
    files.write_file(kPath, {whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)});
    CHECK_FALSE(sound());
  }
}

TEST_CASE("another store's base, another name and a newer version are told apart") {
  ForgetfulFileSystem files;
  write_base(files);
  Uuid other = kStoreId;
  other.bytes[0] ^= 1;
  CHECK(BaseFileReader::open(files, kLogDirectory, other, kBase).error().code ==
        ErrorCode::InvalidArgument);
  files.write_file(kLogDirectory + "/" + base_file_name(Lsn{13}), files.read_file(kPath));
  CHECK(BaseFileReader::open(files, kLogDirectory, kStoreId, Lsn{13}).error().code ==
        ErrorCode::Corruption);
  CHECK(BaseFileReader::open(files, kLogDirectory, kStoreId, Lsn{14}).error().code ==
        ErrorCode::NotFound);
}

TEST_CASE("a log with a base begins behind it; superfluous files are passed over, then removed") {
  ForgetfulFileSystem files;
  const auto firsts = write_log(files);
  REQUIRE(firsts.size() > 4);
  REQUIRE((firsts[1] <= kBase && firsts.back() > next(kBase)));
  write_base(files, Lsn{5});
  write_base(files);
  const auto live = [&] {
    const auto found = find_log_files(files, kLogDirectory, kStoreId);
    REQUIRE(found.ok());
    REQUIRE(found->base == kBase);
    return found->files.front().first_lsn;
  };
  const Lsn first = live();
  CHECK(first <= next(kBase));
  const auto checked = check_log(files, kLogDirectory, kStoreId);
  REQUIRE(checked.ok());
  CHECK(checked->problems.empty());
  CHECK(checked->base == kBase);

  // A reader in the middle keeps what it has open, then learns that the rest is gone.
  const auto reader = LogReader::open(files, kLogDirectory, kStoreId);
  REQUIRE(reader.ok());
  REQUIRE((*reader)->seek(first).ok());
  REQUIRE((*reader)->next()->has_value());

  const auto removed = remove_superseded(files, kLogDirectory);
  REQUIRE(removed.ok());
  CHECK(*removed > 0);
  CHECK(live() == first);
  CHECK_FALSE(files.exists(kLogDirectory + "/" + base_file_name(Lsn{5})).value());
  CHECK_FALSE(files.exists(kLogDirectory + "/" + log_file_name(Lsn{1})).value());
  CHECK(check_log(files, kLogDirectory, kStoreId)->problems.empty());
  CHECK(remove_superseded(files, kLogDirectory).value() == 0);

  const auto gone = (*reader)->seek(Lsn{1});
  REQUIRE_FALSE(gone.ok());
  CHECK(gone.error().code == ErrorCode::NotFound);
  CHECK(gone.error().message.find("retention") != std::string::npos);
  uint64_t records = raw(first) - 1;
  REQUIRE((*reader)->seek(first).ok());
  for (auto frame = (*reader)->next(); frame.ok() && *frame; frame = (*reader)->next()) {
    records += (*frame)->count;
  }
  CHECK(records == 30);

  // The writer goes on where it was; a log whose live files are gone is refused.
  RecoveryReport report;
  CHECK(LogWriter::open(files, kLogDirectory, kStoreId, {}, Lsn{30}, &report).ok());
  CHECK(report.last_lsn == Lsn{30});
  REQUIRE(files.remove_file(kLogDirectory + "/" + log_file_name(first)).ok());
  CHECK(find_log_files(files, kLogDirectory, kStoreId).error().code == ErrorCode::Corruption);
}

}  // namespace
}  // namespace cairn::log
