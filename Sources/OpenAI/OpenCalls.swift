internal import JSON

/// The calls of tools whose results have not come yet. Ollama's results may lack the id that OpenAI's must have.
struct OpenCalls {
    private var ids: [JSONText] = []
    private var isOpen: [Bool] = []
    /// The places of the calls by their ids, and of each tool, the oldest last.
    private var byID: [String: Int] = [:]
    private var byTool: [String: [Int]] = [:]
    /// All calls before it have their results.
    private var first = 0
    private var lastNumber = 0

    /// A message that is neither a call nor a result: the earlier calls are over.
    mutating func forget() {
        ids = []
        isOpen = []
        byID = [:]
        byTool = [:]
        first = 0
    }

    /// Notes a call. Returns its id: the client's own, or a new one.
    mutating func add(_ id: JSONText?, of tool: JSONText) -> JSONText {
        let id = id ?? newID()
        byID[id.string] = ids.count
        byTool[tool.string, default: []].insert(ids.count, at: 0)
        ids.append(id)
        isOpen.append(true)
        return id
    }

    /// Notes a result with its own id.
    mutating func close(_ id: JSONText) {
        if let place = byID[id.string] { isOpen[place] = false }
    }

    /// The id of the call whose result has come: the first that is open, of this tool if it is named. A new one if there is
    /// none.
    mutating func close(of tool: JSONText?) -> JSONText {
        if let tool {
            let name = tool.string
            while let place = byTool[name]?.popLast() {
                if isOpen[place] { return close(place) }
            }
            return newID()
        }
        while first < ids.count {
            if isOpen[first] { return close(first) }
            first += 1
        }
        return newID()
    }

    private mutating func close(_ place: Int) -> JSONText {
        isOpen[place] = false
        return ids[place]
    }

    /// An id that all servers take: some want nine letters and digits.
    private mutating func newID() -> JSONText {
        lastNumber += 1
        let digits = String(lastNumber)
        return JSONText("pd" + String(repeating: "0", count: max(7 - digits.count, 0)) + digits)
    }
}
