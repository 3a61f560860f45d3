// A verb at a server: words and files there, bytes and an exit code back.
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "client/remote_link.h"
#include "verbs/rejects_file.h"

namespace cairn::client {
namespace {

// Of all files that go along with one call.
constexpr size_t kMaxFileBytes = 32u << 20;
constexpr size_t kReadBytes = 256u << 10;

// Where what comes back is printed. The server may hold on to the capability for longer than the
// call lasts, so that this is told when the call is over.
struct Printing {
  verbs::Console* console = nullptr;  // null: the call is over
  bool printed = false;

  void print(schema::Chunk::Reader chunk) {
    printed = true;
    const auto bytes = chunk.getBytes().asChars();
    verbs::Output& to = chunk.getToError() ? console->err : console->out;
    to.write({bytes.begin(), bytes.size()});
    (void)to.flush();  // an error stays
  }
};

class Printer final : public schema::Output::Server {
 public:
  explicit Printer(std::shared_ptr<Printing> printing) : printing_(std::move(printing)) {}

  kj::Promise<void> write(WriteContext context) override {
    if (printing_->console == nullptr || printing_->console->out.closed()) {
      return KJ_EXCEPTION(DISCONNECTED, "nobody reads the answer any more");
    }
    printing_->print(context.getParams().getChunk());
    return kj::READY_NOW;
  }

 private:
  std::shared_ptr<Printing> printing_;
};

// The whole file as it is, perhaps compressed. Errors: as check_readable(); Exhausted.
Result<std::string> read_file(const std::string& path, size_t room) {
  CAIRN_TRY(verbs::check_readable(path));
  std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rbe");
  if (file == nullptr) {
    return make_error(ErrorCode::Io,
                      fmt::format("{}: cannot open: {}", path, std::strerror(errno)));
  }
  std::string bytes;
  std::string block(kReadBytes, '\0');
  size_t got = 0;
  while (bytes.size() <= room && (got = std::fread(block.data(), 1, block.size(), file)) > 0) {
    bytes.append(block, 0, got);
  }
  const bool failed = std::ferror(file) != 0;
  if (file != stdin) (void)std::fclose(file);
  if (failed) return make_error(ErrorCode::Io, path + ": cannot read all of it");
  if (bytes.size() <= room) return bytes;
  return make_error(ErrorCode::Exhausted,
                    fmt::format("{}: the files of a call to a server may have {} MiB altogether; "
                                "split it, or compress it",
                                path, kMaxFileBytes >> 20));
}

using Files = std::map<std::string, Result<std::string>>;

Files read_files(const std::vector<std::string>& paths) {
  Files files;
  size_t room = kMaxFileBytes;
  for (const std::string& path : paths) {
    if (files.count(path) > 0) continue;
    auto bytes = read_file(path, room);
    if (bytes.ok()) room -= bytes->size();
    files.emplace(path, std::move(bytes));
  }
  return files;
}

schema::ErrorCode wire_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::InvalidArgument:
      return schema::ErrorCode::INVALID_ARGUMENT;
    case ErrorCode::NotFound:
      return schema::ErrorCode::NOT_FOUND;
    case ErrorCode::Exhausted:
      return schema::ErrorCode::EXHAUSTED;
    default:
      return schema::ErrorCode::IO;
  }
}

void write_files(schema::RunRequest::Builder request, const Files& files) {
  auto list = request.initFiles(static_cast<uint>(files.size()));
  uint at = 0;
  for (const auto& [path, bytes] : files) {
    auto file = list[at++];
    file.setName(path.c_str());
    if (bytes.ok()) {
      file.setBytes(kj::StringPtr(bytes->c_str(), bytes->size()).asBytes());
    } else {
      file.initProblem().setCode(wire_code(bytes.error().code));
      file.getProblem().setMessage(bytes.error().message.c_str());
    }
  }
}

class RemoteVerb {
 public:
  RemoteVerb(Remote::Impl& remote, const std::vector<std::string>& words, const std::string& user,
             verbs::Context& context)
      : remote_(remote), words_(words), user_(user), context_(context) {}

  verbs::VerbResult run(const verbs::VerbArguments& verb) {
    context_.end_in_order();
    const verbs::FileNeeds needs = verbs::files_of(verb);
    CAIRN_TRY(open_written(needs));
    const Files files = read_files(needs.read);
    const bool asks = verbs::demand_of(verb).scope == verbs::Scope::Read;
    while (true) {
      auto done = ask(files);
      if (done.ok()) return finish(*done);
      const bool again = asks && lost_ && !printing_->printed && !cancelled();
      if (!again) return std::move(done).error();
      CAIRN_TRY(remote_.reconnect(done.error()));
    }
  }

 private:
  bool cancelled() const { return context_.cancelled; }

  // Files that are written are opened first: one that cannot be written is told before anything is
  // done.
  Result<void> open_written(const verbs::FileNeeds& needs) {
    for (const std::string& path : needs.added_to) {
      CAIRN_TRY(context_.files.check_writable(verbs::kRejectsOption, path, remote_.options.address,
                                              needs.read));
      CAIRN_TRY_ASSIGN(written_[path], context_.files.append(verbs::kRejectsOption, path));
    }
    for (const std::string& path : needs.replaced) {
      CAIRN_TRY(context_.files.check_writable(verbs::kHtmlOption, path, remote_.options.address,
                                              needs.read));
      CAIRN_TRY_ASSIGN(written_[path], context_.files.replace(verbs::kHtmlOption, path));
    }
    return {};
  }

  Result<verbs::ExitCode> ask(const Files& files) {
    lost_ = false;
    printing_ = std::make_shared<Printing>();
    printing_->console = &context_.console;
    auto done = wait(files);
    printing_->console = nullptr;
    if (cancelled()) remote_.io->waitScope.poll();  // the server hears of it
    return done;
  }

  Result<verbs::ExitCode> wait(const Files& files) {
    using Code = Result<verbs::ExitCode>;
    try {
      auto request = remote_.link->session().runRequest();
      fill(request, files);
      return request.send()
          .then([this](auto&& answer) -> Code { return take(answer); })
          .exclusiveJoin(remote_.when_raised(&context_.cancelled).then([]() -> Code {
            return make_error(ErrorCode::Closed, "The query was cancelled.");
          }))
          .wait(remote_.io->waitScope);
    } catch (const kj::Exception& exception) {
      lost_ = exception.getType() == kj::Exception::Type::DISCONNECTED;
      return error_of(exception, remote_.options.address);
    }
  }

  void fill(schema::RunRequest::Builder request, const Files& files) {
    auto list = request.initWords(static_cast<uint>(words_.size()));
    for (uint i = 0; i < words_.size(); ++i) list.set(i, words_[i].c_str());
    write_files(request, files);
    auto terminal = request.initTerminal();
    const verbs::Terminal& here = context_.console.terminal;
    terminal.setOut(here.out);
    terminal.setErr(here.err);
    terminal.setWidth(static_cast<uint16_t>(here.width));
    terminal.setUtf8(here.utf8);
    terminal.setColor(here.color);
    request.setUser(user_.c_str());
    request.setOutput(kj::heap<Printer>(printing_));
  }

  Result<verbs::ExitCode> take(schema::RunAnswer::Reader answer) {
    if (answer.hasError()) return error_of(answer.getError());
    for (const auto chunk : answer.getChunks()) printing_->print(chunk);
    for (const auto file : answer.getWritten()) {
      const auto found = written_.find(file.getName().cStr());
      if (found == written_.end()) continue;  // nobody asked for it
      const auto bytes = file.getBytes().asChars();
      CAIRN_TRY(found->second->write({bytes.begin(), bytes.size()}));
    }
    const verbs::ExitCode code{answer.getExitCode()};
    // Here the reader left, which ended the verb there: no error, as with a directory.
    const bool left = code == verbs::ExitCode::Interrupted && context_.console.out.closed();
    return left ? verbs::ExitCode::Ok : code;
  }

  Result<verbs::ExitCode> finish(verbs::ExitCode code) {
    for (const auto& [path, writer] : written_) CAIRN_TRY(writer->finish());
    return code;
  }

  Remote::Impl& remote_;
  const std::vector<std::string>& words_;
  const std::string& user_;
  verbs::Context& context_;
  std::shared_ptr<Printing> printing_;
  std::map<std::string, std::unique_ptr<verbs::Files::Writer>> written_;
  bool lost_ = false;  // the connection, with the last question
};

}  // namespace

verbs::VerbResult Remote::run(const verbs::VerbArguments& verb,
                              const std::vector<std::string>& words, const std::string& user,
                              verbs::Context& context) {
  return RemoteVerb(*impl_, words, user, context).run(verb);
}

}  // namespace cairn::client
