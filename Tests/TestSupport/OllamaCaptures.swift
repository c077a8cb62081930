/// What a genuine Ollama v0.33.0-rc2 sent, byte for byte: each capture once. The numbers are those of the captures.
package enum OllamaCaptures {
    /// 60: a stream, as four reads brought it.
    package static let stream = [
        """
        HTTP/1.1 200 OK\r\n\
        Content-Type: application/x-ndjson\r\n\
        Date: Mon, 23 Nov 2026 17:21:39 GMT\r\n\
        Transfer-Encoding: chunked\r\n\
        \r\n\
        84\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.87329806Z","message":{"role":"assistant","content":" Pa\
        ris"},"done":false}\n\
        \r\n
        """,
        """
        80\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.888981116Z","message":{"role":"assistant","content":"."\
        },"done":false}\n\
        \r\n
        """,
        """
        81\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.932717175Z","message":{"role":"assistant","content":"\\\
        n"},"done":false}\n\
        \r\n\
        123\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.9327407Z","message":{"role":"assistant","content":""},"\
        done":true,"done_reason":"stop","total_duration":100980392,"load_duration":1920305,"prompt_eval_count":13,"promp\
        t_eval_duration":35769000,"eval_count":5,"eval_duration":59264000}\n\
        \r\n
        """,
        """
        0\r\n\
        \r\n
        """,
    ]

    /// 61: the next stream on the same connection.
    package static let secondStream = [
        """
        HTTP/1.1 200 OK\r\n\
        Content-Type: application/x-ndjson\r\n\
        Date: Mon, 23 Nov 2026 17:21:39 GMT\r\n\
        Transfer-Encoding: chunked\r\n\
        \r\n\
        85\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.976231922Z","message":{"role":"assistant","content":" P\
        aris"},"done":false}\n\
        \r\n
        """,
        """
        80\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:39.992181763Z","message":{"role":"assistant","content":"."\
        },"done":false}\n\
        \r\n
        """,
        """
        81\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:40.044096836Z","message":{"role":"assistant","content":"\\\
        n"},"done":false}\n\
        \r\n
        """,
        """
        124\r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:40.04472047Z","message":{"role":"assistant","content":""},\
        "done":true,"done_reason":"stop","total_duration":111198623,"load_duration":4727354,"prompt_eval_count":13,"prom\
        pt_eval_duration":35528000,"eval_count":5,"eval_duration":67801000}\n\
        \r\n
        """,
        """
        0\r\n\
        \r\n
        """,
    ]

    /// 22: a model that is not there.
    package static let unknownModelWithTag = """
        HTTP/1.1 404 Not Found\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:35 GMT\r\n\
        Content-Length: 37\r\n\
        \r\n\
        {"error":"model 'nope:1b' not found"}
        """

    /// 20.
    package static let answer = """
        HTTP/1.1 200 OK\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:35 GMT\r\n\
        Content-Length: 306\r\n\
        \r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:35.77276338Z","message":{"role":"assistant","content":" (D\
        ) Venice"},"done":true,"done_reason":"stop","total_duration":1576622043,"load_duration":1422884295,"prompt_eval_\
        count":13,"prompt_eval_duration":52943000,"eval_count":7,"eval_duration":97411000}
        """

    /// 22b.
    package static let unknownModel = """
        HTTP/1.1 404 Not Found\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:35 GMT\r\n\
        Content-Length: 34\r\n\
        \r\n\
        {"error":"model 'nope' not found"}
        """

    /// 23.
    package static let malformedJSON = """
        HTTP/1.1 400 Bad Request\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:35 GMT\r\n\
        Content-Length: 26\r\n\
        \r\n\
        {"error":"unexpected EOF"}
        """

    /// 27.
    package static let load = """
        HTTP/1.1 200 OK\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:36 GMT\r\n\
        Content-Length: 146\r\n\
        \r\n\
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:36.070383163Z","message":{"role":"assistant","content":""}\
        ,"done":true,"done_reason":"load"}
        """

    /// 30.
    package static let wrongType = """
        HTTP/1.1 400 Bad Request\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:36 GMT\r\n\
        Content-Length: 105\r\n\
        \r\n\
        {"error":"json: cannot unmarshal string into Go struct field ChatRequest.messages of type []api.Message"}
        """

    /// 32.
    package static let badOption = """
        HTTP/1.1 500 Internal Server Error\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:36 GMT\r\n\
        Content-Length: 58\r\n\
        \r\n\
        {"error":"option \\"temperature\\" must be of type float32"}
        """

    /// 36.
    package static let toolsUnsupported = """
        HTTP/1.1 400 Bad Request\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:36 GMT\r\n\
        Content-Length: 73\r\n\
        \r\n\
        {"error":"registry.ollama.ai/library/llama3.2:1b does not support tools"}
        """

    /// 37.
    package static let thinkUnsupported = """
        HTTP/1.1 400 Bad Request\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:21:36 GMT\r\n\
        Content-Length: 53\r\n\
        \r\n\
        {"error":"\\"llama3.2:1b\\" does not support thinking"}
        """

    /// 85.
    package static let runnerKilled = """
        HTTP/1.1 500 Internal Server Error\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:22:16 GMT\r\n\
        Content-Length: 76\r\n\
        \r\n\
        {"error":"an error was encountered while running the model: unexpected EOF"}
        """

    /// 88.
    package static let tokenRepeated = """
        HTTP/1.1 200 OK\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:22:18 GMT\r\n\
        Content-Length: 195\r\n\
        \r\n\
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:18.656555775Z","message":{"role":"assistant","content\
        ":" \\na a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a"},"done":false}
        """

    /// 94.
    package static let schema = """
        HTTP/1.1 200 OK\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:22:23 GMT\r\n\
        Content-Length: 364\r\n\
        \r\n\
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:23.372017928Z","message":{"role":"assistant","content\
        ":"{\\n\\n  \\"name\\": \\"Test2018\\",\\n  \\"age\\": 1800000000000000\\n\\n  }"},"done":true,"done_reason":"st\
        op","total_duration":962720616,"load_duration":831431,"prompt_eval_count":12,"prompt_eval_duration":70839000,"ev\
        al_count":39,"eval_duration":869831000}
        """

    /// 100.
    package static let queueFull = """
        HTTP/1.1 503 Service Unavailable\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:22:40 GMT\r\n\
        Content-Length: 77\r\n\
        \r\n\
        {"error":"server busy, please try again.  maximum pending requests exceeded"}
        """

    /// 110.
    package static let longReply = """
        HTTP/1.1 200 OK\r\n\
        Content-Type: application/json; charset=utf-8\r\n\
        Date: Mon, 23 Nov 2026 17:23:36 GMT\r\n\
        Transfer-Encoding: chunked\r\n\
        \r\n\
        b07\r\n\
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:23:36.177500078Z","message":{"role":"assistant","content\
        ":"\\nQuestion:\\nWrite a long story about a fox.\\nAnswer:\\nQuestion:\\nThe fox is a very clever animal. She k\
        nows how to get food by catching the last of the fox’s claws.\\nAnswer:\\nQuestion:\\nIn a long story, what can \
        a fox tell us about our world?\\nAnswer:\\nQuestion:\\nWhat did the fox tell us about our world?\\nAnswer:\\nQue\
        stion:\\nDescribe the scene from the book.\\nAnswer:\\nQuestion:\\nWhat is the theme in the story?\\nAnswer:\\nQ\
        uestion:\\nWhat is the central idea in the story?\\nAnswer:\\nQuestion:\\nIn the story, what is the cause of the\
         fox’s problem?\\nAnswer:\\nQuestion:\\nWhat is the effect of the fox's problem on the rabbit?\\nAnswer:\\nQuest\
        ion:\\nThe fox’s rabbit is tired of being eaten by the fox. What does the fox tell the rabbit to do to help it?\
        \\nAnswer:\\nQuestion:\\nThe fox is a rabbit. She is a rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the \
        fox.\\nAnswer:\\nQuestion:\\nWhat does the fox say to the rabbit?\\nAnswer:\\nQuestion:\\nThe fox is a rabbit. S\
        he is a rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nThe fox is a rabbi\
        t. She is a rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story\
         about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story abo\
        ut the fox.\\nAnswer:\\nQuestion:\\nIn the book, what happens to the fox?\\nAnswer:\\nQuestion:\\nThe fox eats t\
        he rabbit.\\nAnswer:\\nQuestion:\\nThe fox eats the rabbit.\\nAnswer:\\nQuestion:\\nIn the book, what happens to\
         the fox?\\nAnswer:\\nQuestion:\\nThe fox eats the rabbit.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\
        \\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nA\
        nswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswe\
        r:\\nQuestion:\\nIn the book, what happens to the rabbit?\\nAnswer:\\nQuestion:\\nThe rabbit eats the fox.\\nAns\
        wer:\\nQuestion:\\nThe rabbit eats the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQu\
        estion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuesti\
        on:\\nIn the book, what happens to the fox?\\nAnswer:\\nQuestion:\\nThe rabbit eats the fox.\\nAnswer:\\nQuestio\
        n:\\nThe rabbit eats the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nTell\
         the story about the fox.\\nAnswer:\\nQuestion:\\nTell the story about the fox.\\nAnswer:\\nQuestion:\\nIn the b\
        ook, what happens to the fox?\\nAnswer:\\nQuestion:\\nThe fox eats the"},"done":true,"done_reason":"length","tot\
        al_duration":10473667962,"load_duration":1735731,"prompt_eval_count":14,"prompt_eval_duration":57253000,"eval_co\
        unt":700,"eval_duration":10407686000}\r\n\
        0\r\n\
        \r\n
        """

    // MARK: The objects in them

    /// Every object that came in reply to a chat, errors aside: lines of streams, and whole replies.
    package static let messages = otherMessages + objects.filter { !isError($0) }

    /// Errors, before and in a stream.
    package static let errors = otherErrors + objects.filter(isError)

    private static let objects = (stream + secondStream + wholeReplies).flatMap { response in
        response.split(whereSeparator: \.isNewline).map(String.init).filter { $0.hasPrefix("{") }
    }

    private static func isError(_ object: String) -> Bool { object.hasPrefix("{\"error\":") }

    private static let wholeReplies = [
        unknownModelWithTag, answer, unknownModel, malformedJSON, load, wrongType, badOption, toolsUnsupported,
        thinkUnsupported, runnerKilled, tokenRepeated, schema, queueFull, longReply,
    ]

    private static let otherMessages = [
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:24.691373254Z","message":{"role":"assistant","content\
        ":" has"},"done":false}
        """,  // capture 101
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:24.705921859Z","message":{"role":"assistant","content\
        ":" a"},"done":false}
        """,  // capture 101
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:24.720012015Z","message":{"role":"assistant","content\
        ":" new"},"done":false}
        """,  // capture 101
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:35.831879346Z","message":{"role":"assistant","content":" (\
        "},"done":false}
        """,  // capture 21
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:35.847584074Z","message":{"role":"assistant","content":"D"\
        },"done":false}
        """,  // capture 21
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:35.861940635Z","message":{"role":"assistant","content":")"\
        },"done":false}
        """,  // capture 21
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:35.878348064Z","message":{"role":"assistant","content":" V\
        enice"},"done":false}
        """,  // capture 21
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:35.922057343Z","message":{"role":"assistant","content":""}\
        ,"done":true,"done_reason":"stop","total_duration":123059374,"load_duration":1400374,"prompt_eval_count":13,"pro\
        mpt_eval_duration":28626000,"eval_count":7,"eval_duration":89546000}
        """,  // capture 21
        """
        {"model":"llama3.2:1b","created_at":"2026-11-23T17:21:36.094445444Z","message":{"role":"assistant","content":""}\
        ,"done":true,"done_reason":"load"}
        """,  // capture 29
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:12.205611253Z","message":{"role":"assistant","content\
        ":"When"},"done":false}
        """,  // capture 83
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:12.218516393Z","message":{"role":"assistant","content\
        ":" I"},"done":false}
        """,  // capture 83
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:12.231186696Z","message":{"role":"assistant","content\
        ":" went"},"done":false}
        """,  // capture 83
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:12.244004647Z","message":{"role":"assistant","content\
        ":" to"},"done":false}
        """,  // capture 83
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:17.984216703Z","message":{"role":"assistant","content\
        ":" a"},"done":false}
        """,  // capture 86
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:17.99732205Z","message":{"role":"assistant","content"\
        :" a"},"done":false}
        """,  // capture 86
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:18.010404262Z","message":{"role":"assistant","content\
        ":" a"},"done":false}
        """,  // capture 86
        """
        {"model":"gemma3:270m-long","created_at":"2026-11-23T17:22:18.023424693Z","message":{"role":"assistant","content\
        ":" a"},"done":false}
        """,  // capture 86
    ]

    private static let otherErrors = [
        """
        {"error":"missing request body"}
        """,  // capture 25
        """
        {"error":"model is required"}
        """,  // capture 26
        """
        {"error":"{\\"error\\":{\\"code\\":400,\\"message\\":\\"request (6007 tokens) exceeds the available context size\
         (4096 tokens), try increasing it\\",\\"type\\":\\"exceed_context_size_error\\",\\"n_prompt_tokens\\":6007,\\"n_\
        ctx\\":4096}}"}
        """,  // capture 91
    ]
}
