// Postings and columns of damaged segments: refused, or safe to ask anything. Checksums are left
// out on purpose, as they would hide everything behind them.
#include <cstring>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/fuzz.h"
#include "storage/head.h"
#include "storage/packed_column.h"
#include "storage/segment.h"
#include "storage/segment_field.h"
#include "storage/segment_format.h"
#include "storage/segment_ids.h"
#include "storage/segment_runs.h"
#include "support/temp_dir.h"

using namespace cairn;

namespace {

constexpr uint32_t kRows = 9000;
constexpr FieldId kFew{1}, kMany{2}, kMixed{3};

constexpr uint64_t id_hash_of(uint32_t row) { return row * uint64_t{0x9e3779b97f4a7c15}; }

struct Piece {
  storage::SegmentPiece kind{};
  std::vector<std::byte> payload;
};

// Fields of few values (bitsets), of many (plain ordinals) and of both kinds; columns.
std::vector<Piece> seal_pieces() {
  storage::Head head;
  for (uint32_t i = 0; i < kRows; ++i) {
    const std::pair<FieldId, ValueId> terms[] = {
        {kFew, ValueId{1 + i % 2}}, {kMany, ValueId{1 + i}}, {kMixed, ValueId{1 + i * i % 997}}};
    head.add({Lsn{1 + i}, TimeUs{i * 1000}, ProjectId{1}, FingerprintId{1 + i / 100}, id_hash_of(i),
              terms});
  }
  testing::TempDir dir;
  const auto env = storage::LmdbEnv::open(dir.path(), {});
  testing::promise(env.ok(), "an index can be made");
  auto write = storage::WriteTxn::begin(**env);
  testing::promise(write.ok() && write_segment(**write, storage::SegmentId{1}, head).ok() &&
                       (*write)->commit().ok(),
                   "a segment can be sealed");
  const auto read = storage::ReadTxn::begin(**env);
  testing::promise(read.ok(), "a segment can be read");
  std::vector<Piece> pieces;
  const auto scanned = (*read)->scan(
      storage::Table::Segments, {}, {},
      [&](std::string_view key, std::span<const std::byte> value) {
        const auto payload = value.subspan(storage::kPieceHeaderBytes);
        pieces.push_back({static_cast<storage::SegmentPiece>(storage::key_part<uint8_t>(key, 4)),
                          {payload.begin(), payload.end()}});
        return true;
      });
  testing::promise(scanned.ok() && pieces.size() == 11, "a segment has its values");
  return pieces;
}

void use(const storage::Bitmap& bitmap) {
  bitmap.for_each([](Ordinal o) { testing::promise(o < kRows, "ordinals are below the rows"); });
}

void use(const storage::SegmentField& field) {
  storage::Bitmap any = field.any();
  use(any);
  // Lists are decoded for every value, bitmaps made for some: that is what takes time.
  std::vector<Ordinal> ordinals;
  uint32_t number = 0;
  for (storage::SegmentField::Cursor cursor(field); !cursor.at_end(); cursor.next()) {
    ordinals.clear();
    if (cursor.read(ordinals)) {
      testing::promise(ordinals.back() < kRows, "ordinals are below the rows");
    }
    if (number++ % 128 != 0) continue;
    use(cursor.bitmap());
    any.or_with(field.posting(cursor.value()));
    testing::promise(field.posting_cardinality(cursor.value()) <= kRows,
                     "cardinalities are bounded");
  }
  any.flip(kRows);
  use(any);
}

void use(const storage::PackedColumn& column, size_t payload_bytes) {
  std::vector<uint64_t> values(column.size());
  column.read(0, column.size(), values.data());
  for (uint32_t i = 0; i < column.size(); i += 13) {
    testing::promise(values[i] == column[i], "bulk reads are single reads");
  }
  testing::promise(column.bytes() <= payload_bytes, "a column fits its bytes");
}

void use(const storage::SegmentRuns& runs) {
  for (const storage::Run& run : runs.read_all()) {
    testing::promise(run.begin + run.count <= kRows, "runs are inside");
    runs.find(run.fingerprint);
  }
  testing::promise(runs.holding(kRows - 1) < runs.size(), "the last row is in a run");
}

// One payload of the two is damaged, the other not.
void use_ids(std::span<const std::byte> filter, std::span<const std::byte> table) {
  const auto ids = storage::SegmentIds::parse(filter, table, kRows);
  if (!ids) return;
  std::vector<uint64_t> hashes;
  for (uint32_t i = 0; i < 500; ++i) hashes.push_back(id_hash_of(i));
  std::vector<storage::IdCandidate> found;
  ids->find(hashes, found);
  for (const auto& candidate : found) {
    testing::promise(candidate.ordinal < kRows, "ordinals are below the rows");
  }
  std::vector<storage::IdEntry> all;
  ids->read_all(all);
}

}  // namespace

// The first byte chooses a value of the segment and how it is aligned, the rest damages it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<Piece> pieces = seal_pieces();
  if (size < 1) return 0;
  const Piece& piece = pieces[data[0] % pieces.size()];
  const size_t shift = data[0] % 2 == 0 ? 0 : 1 + data[0] % 31;
  // Exactly as long as the payload, so that the sanitizer sees every byte read outside.
  constexpr std::align_val_t kAligned{storage::kBitmapAlignment};
  auto* memory = static_cast<std::byte*>(::operator new(shift + piece.payload.size(), kAligned));
  const std::span<std::byte> payload(memory + shift, piece.payload.size());
  std::memcpy(payload.data(), piece.payload.data(), payload.size());
  testing::damage(payload, data + 1, size - 1);
  const auto whole = [](storage::SegmentPiece kind) -> std::span<const std::byte> {
    for (const Piece& other : pieces) {
      if (other.kind == kind) return other.payload;
    }
    return {};
  };
  switch (piece.kind) {
    case storage::SegmentPiece::Field:
      if (const auto field = storage::SegmentField::parse(payload, kRows)) use(*field);
      break;
    case storage::SegmentPiece::Runs:
      if (const auto runs = storage::SegmentRuns::parse(payload, kRows)) use(*runs);
      break;
    case storage::SegmentPiece::Ids:
      use_ids(whole(storage::SegmentPiece::IdFilter), payload);
      break;
    case storage::SegmentPiece::IdFilter:
      use_ids(payload, whole(storage::SegmentPiece::Ids));
      break;
    default:
      if (const auto column = storage::PackedColumn::parse(payload, kRows)) {
        use(*column, payload.size());
      }
  }
  ::operator delete(memory, kAligned);
  return 0;
}
