#include "load.h"

#include <stdlib.h>

#include <filesystem>

#include "client/generate.h"
#include "model/message.h"
#include "storage/segment.h"

namespace cairn::bench {
namespace {

std::unique_ptr<Load> make_load() {
  auto load = std::make_unique<Load>();
  client::GenerateOptions options;
  options.occurrences = kOccurrences;
  model::MessageParser parser;
  must(client::generate(options, [&](std::string_view block) -> Result<void> {
    while (!block.empty()) {
      const size_t end = block.find('\n');
      load->lines.emplace_back(block.substr(0, end));
      block.remove_prefix(end + 1);
    }
    return {};
  }));
  for (const std::string& line : load->lines) {
    auto& occurrence = load->records.emplace_back();
    occurrence.body = std::get<model::Occurrence>(must(parser.parse(line, &load->terms)));
    occurrence.time = std::get<model::Occurrence>(occurrence.body).time();
  }
  return load;
}

}  // namespace

ScratchDirectory::ScratchDirectory()
    : path_((std::filesystem::temp_directory_path() / "cairn-micro-XXXXXX").string()) {
  if (::mkdtemp(path_.data()) == nullptr) {
    give_up(make_error(ErrorCode::Io, "cannot make " + path_));
  }
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

const Load& load() {
  static const std::unique_ptr<Load> made = make_load();
  return *made;
}

std::unique_ptr<Folded> fold() {
  auto folded = std::make_unique<Folded>();
  storage::Dictionary::TagFields tags;
  storage::Dictionary::Terms terms;
  for (size_t i = 0; i < load().records.size(); ++i) {
    const model::Record& record = load().records[i];
    const auto& occurrence = std::get<model::Occurrence>(record.body);
    const Lsn lsn{i + 1};
    must(folded->dictionary.intern(load().terms, i, tags, terms));
    const model::Applied applied = must(folded->state.apply(record, lsn));
    folded->head.add({lsn, occurrence.time(), occurrence.project, applied.decided_by,
                      storage::id_hash(occurrence.id, occurrence.project), terms});
  }
  folded->roots = folded->state.roots_by_fingerprint();
  return folded;
}

const Folded& folded() {
  static const std::unique_ptr<Folded> made = fold();
  return *made;
}

Sealed::Sealed() : folded_(fold()) {
  env_ = must(storage::LmdbEnv::open(directory_.path(), {}));
  const auto txn = must(storage::WriteTxn::begin(*env_));
  must(storage::write_segment(*txn, storage::SegmentId{1}, folded_->head));
  must(folded_->dictionary.save(*txn));
  must(txn->commit());
  folded_->head.clear();
  txn_ = must(storage::ReadTxn::begin(*env_));
  must(folded_->dictionary.checkpointed(txn_.get()));
  part_ = must(storage::open_segment(*txn_, storage::SegmentId{1}));
  parts_[0] = part_.get();
}

query::View Sealed::view() const {
  return {Lsn{kOccurrences}, &folded_->state, &folded_->dictionary,
          txn_.get(),        parts_,          folded_->roots};
}

ValueId Sealed::value(FieldId field, std::string_view text) const {
  return must(folded_->dictionary.find(field, text, txn_.get())).value_or(ValueId{});
}

const Sealed& sealed() {
  static const Sealed made;
  return made;
}

}  // namespace cairn::bench
