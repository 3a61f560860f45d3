// What destinations of notifications keep in files: any bytes of a cursor are read or refused, and
// what was read is written as the same; of any dead letters to send again, all lines are passed,
// and what is a letter stays one when it is buried once more.
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "server/delivery_files.h"
#include "support/forgetful_file_system.h"

using namespace cairn;

namespace {

const std::string kCursor = "/store/deliveries/d.json";
const std::string kDead = "/store/deliveries/d.dead.jsonl";
const std::string kAgain = "/store/deliveries/d.again.jsonl";
constexpr size_t kAtOnce = 3;

struct Folder {
  testing::ForgetfulFileSystem system;
  server::DeliveryFiles files{system, "/store", "d", Uuid{}};

  Folder() {
    const bool made =
        system.make_directory("/store").ok() && system.make_directory("/store/deliveries").ok();
    testing::promise(made, "folders can be made");
  }
};

// By the fuzzer's bytes alone, or damage to good ones.
std::vector<std::byte> bytes_of(const uint8_t* data, size_t size, std::vector<std::byte> good) {
  if (data[0] % 2 == 0) {
    const auto* bytes = reinterpret_cast<const std::byte*>(data + 1);
    return {bytes, bytes + size - 1};
  }
  testing::damage(good, data + 1, size - 1);
  return good;
}

void check_cursor(const uint8_t* data, size_t size) {
  Folder folder;
  const alert::DeliveryCursor good{{Lsn{700}, 4}, {{Lsn{3}, 0}, {Lsn{3}, 1}, {Lsn{650}, 9}}};
  testing::promise(folder.files.write_cursor(good).ok(), "a cursor is written");
  folder.system.write_file(kCursor, bytes_of(data, size, folder.system.read_file(kCursor)));
  const auto cursor = folder.files.read_cursor();
  if (!cursor.ok()) {
    testing::promise(cursor.error().code == ErrorCode::Corruption, "damage is Corruption");
    return;
  }
  testing::promise(folder.files.write_cursor(*cursor).ok(), "what was read is written");
  const auto again = folder.files.read_cursor();
  testing::promise(again.ok() && *again == *cursor, "and read as the same");
}

std::vector<alert::Letter> read_all(const server::DeliveryFiles& files) {
  std::vector<alert::Letter> letters;
  uint64_t offset = 0;
  uint64_t line = 0;
  while (true) {
    auto read = files.read_again(offset, line, kAtOnce);
    testing::promise(read.ok() && read->has_value(), "the file is read");
    server::DeliveryFiles::Again& some = **read;
    testing::promise(some.letters.size() <= kAtOnce, "no more than were asked for");
    testing::promise(some.end || some.next_offset > offset, "it goes on");
    for (alert::Letter& letter : some.letters) letters.push_back(std::move(letter));
    if (some.end) return letters;
    offset = some.next_offset;
    line = some.next_line;
  }
}

void check_again(const uint8_t* data, size_t size) {
  Folder folder;
  for (uint64_t n = 1; n <= 4; ++n) {
    const alert::Letter letter{{Lsn{n}, 0}, TimeUs{5}, "ab-i1-" + std::to_string(n), "i1", "{}"};
    testing::promise(folder.files.bury({letter, 3, TimeUs{9}, "refused"}).ok(), "it is buried");
  }
  folder.system.write_file(kAgain, bytes_of(data, size, folder.system.read_file(kDead)));
  const std::vector<alert::Letter> letters = read_all(folder.files);
  folder.system.write_file(kDead, {});
  for (const alert::Letter& letter : letters) {
    testing::promise(folder.files.bury({letter, 1, TimeUs{9}, "again"}).ok(), "it is buried again");
  }
  folder.system.write_file(kAgain, folder.system.read_file(kDead));
  const std::vector<alert::Letter> same = read_all(folder.files);
  testing::promise(same.size() == letters.size(), "each is a letter still");
  for (size_t i = 0; i < same.size(); ++i) {
    testing::promise(same[i].id == letters[i].id && same[i].body == letters[i].body &&
                         same[i].series == letters[i].series && same[i].at == letters[i].at,
                     "with the same id, series, time and message");
  }
}

}  // namespace

// The first byte chooses the file, the second what comes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  if (data[0] % 2 == 0) {
    check_cursor(data + 1, size - 1);
  } else {
    check_again(data + 1, size - 1);
  }
  return 0;
}
