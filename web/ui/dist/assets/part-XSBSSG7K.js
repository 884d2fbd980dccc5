import{c as b}from"./part-QWQHAUUR.js";import{n as N,o as P,q as _,r as I}from"./part-ERO6U74N.js";import{a as F,d as R}from"./part-227O2IIO.js";import{A as m,D as j,E as H,F as x,G as L,H as f,I as E,J as V,K as M,b as s,c as i,i as k,m as h,t as A,u as D,w as y,y as C}from"./part-2NWJ3OZH.js";function q(e){return{name:e?.name??"",way:e&&!e.vendor?"urls":"vendor",vendor:e?.vendor??"",address:e?.address??"",main:e&&!e.vendor?e.main_url??"":"",sub:e&&!e.vendor?e.sub_url??"":"",user:e?.username??"",pass:"",record:e?.record??!0,audio:e?.audio??!0}}function T(e,t){let r={name:e.name.trim(),vendor:e.way==="vendor"?e.vendor:"",address:e.way==="vendor"?e.address.trim():"",main_url:e.way==="urls"?e.main.trim():"",sub_url:e.way==="urls"?e.sub.trim():"",username:e.user,record:e.record,audio:e.audio},a=t?T(t):{},n={};for(let[o,d]of Object.entries(r))(t?d!==(a[o]??""):d!=="")&&(n[o]=d);return e.pass&&(n.password=e.pass),n}var J=[{value:"hikvision",label:"Hikvision"},{value:"dahua",label:"Dahua"},{value:"reolink",label:"Reolink"},{value:"axis",label:"Axis"},{value:"amcrest",label:"Amcrest"},{value:"tapo",label:"Tapo"}];function Q(e){let t={};return e.name.trim()||(t.name="Give the camera a name."),e.way==="vendor"?(e.vendor||(t.vendor="Choose the maker, or give the stream addresses."),e.address.trim()||(t.address="Enter the camera’s address.")):/^rtsps?:\/\/./i.test(e.main.trim())||(t.main_url="Enter an address that begins with rtsp:// or rtsps://"),t}function B({camera:e}){let[t,r]=i(()=>q(e)),[a,n]=i(t),[o,d]=i({}),[v,g]=i(!1),[l,W]=i(null),u=c=>w=>n(p=>({...p,[c]:w})),G=async c=>{c.preventDefault();let w=Q(a);if(d(w),Object.keys(w).length)return U(Object.keys(w)[0]);g(!0);try{let p=e??l,$=p?await b.change(p.id,T(a,t)):await b.add(T(a));$?.id&&(h.value=k(h.value,{v:1,t:"camera",d:$},Date.now())),C("good",p?`${a.name.trim()} was saved.`:`${a.name.trim()} was added.`),r({...a,pass:""}),n({...a,pass:""}),e?R("cameras"):W($)}catch(p){let $=p;d({[$.field??"form"]:$.message}),U($.field??"")}finally{g(!1)}},Y=["name","vendor","address","main_url","sub_url","username","password"],S=Object.entries(o).filter(([c])=>!Y.includes(c)).map(([,c])=>c).join(" ");return s`<main id="main" class="screen narrow">
    <header class="screen-head"><a class="ib" href="#/cameras" aria-label="Back to all cameras"><${m} name="back" /></a>
      <h1 tabIndex=${-1}>${e?`Edit ${e.name}`:"Add a camera"}</h1></header>
    <form class="form" onSubmit=${G} noValidate>
      <div role="alert">${S&&s`<p class="form-error"><${m} name="warn" />${S}</p>`}</div>
      <${f} id="name" label="Name" value=${a.name} onInput=${u("name")} error=${o.name} placeholder="Front door" testid="camera-name" />
      <fieldset><legend>Where it is</legend>
        <${L} label="How to find the camera" testid="camera-way" value=${a.way} onPick=${u("way")}
          options=${[{value:"vendor",label:"By maker"},{value:"urls",label:"By stream address"}]} />
        ${a.way==="vendor"?s`<${X} v=${a} set=${u} errors=${o} />`:s`<${Z} v=${a} set=${u} errors=${o} />`}
      </fieldset>
      <fieldset><legend>How to sign in to it</legend>
        <div class="pair">
          <${f} id="username" label="User name" required=${!1} value=${a.user} onInput=${u("user")} error=${o.username} testid="camera-user" />
          <${f} id="password" label="Password" type="password" required=${!1} value=${a.pass} onInput=${u("pass")} error=${o.password} autocomplete="new-password" testid="camera-pass"
            placeholder=${e?.has_password?"unchanged":""} hint=${e?.has_password?"One is stored. It is never shown; write a new one to replace it.":void 0} />
        </div>
      </fieldset>
      <fieldset><legend>What to keep</legend>
        <${E} id="record" label="Record" hint="Off: live view only." checked=${a.record} onChange=${u("record")} testid="camera-record" />
        <${E} id="audio" label="Sound" hint="Kept as the camera sends it." checked=${a.audio} onChange=${u("audio")} testid="camera-audio" />
      </fieldset>
      <div class="form-foot">
        <button type="submit" class="button primary" disabled=${v||y.value} data-testid="camera-save">${v?"Saving…":e||l?"Save":"Add camera"}</button>
        <a class="button" href="#/cameras">${l?"Done":"Cancel"}</a>
      </div>
    </form>
    ${(l??e)&&s`<section class="card" aria-labelledby="test-h"><h2 id="test-h">Connection</h2>
      <p class="muted">${l?"The camera was added. This is what it answers:":"Tests what is saved, not what is typed above."}</p>
      <${O} key=${l?.id??e.id} id=${l?.id??e.id} auto=${!!l} /></section>`}
  </main>`}function X({v:e,set:t,errors:r}){return s`<div class="pair">
    <div class="field ${r.vendor?"field-bad":""}"><label for="vendor">Maker</label>
      <div class="field-box"><select id="vendor" value=${e.vendor} data-testid="camera-vendor" aria-invalid=${r.vendor?"true":void 0} aria-describedby=${r.vendor?"vendor-error":void 0}
        onChange=${a=>t("vendor")(a.target.value)}>
        <option value="" selected=${!e.vendor}>Choose…</option>
        ${J.map(a=>s`<option value=${a.value} key=${a.value} selected=${e.vendor===a.value}>${a.label}</option>`)}
      </select></div>
      ${r.vendor&&s`<p class="field-error" id="vendor-error"><${m} name="warn" size=${16} />${r.vendor}</p>`}
    </div>
    <${f} id="address" label="Address" value=${e.address} onInput=${t("address")} error=${r.address} mono placeholder="192.168.1.64" testid="camera-address"
      hint="IP address or name; with :port if it is not 554." />
  </div>`}function Z({v:e,set:t,errors:r}){return s`<${f} id="main_url" label="Main stream, recorded" value=${e.main} onInput=${t("main")} error=${r.main_url} mono placeholder="rtsp://192.168.1.64:554/stream1" testid="camera-main-url" />
    <${f} id="sub_url" label="Sub stream, for the grid" required=${!1} value=${e.sub} onInput=${t("sub")} error=${r.sub_url} mono placeholder="rtsp://192.168.1.64:554/stream2" testid="camera-sub-url"
      hint="A smaller H.264 picture. It saves the network and shows where H.265 cannot." />`}var U=e=>e&&setTimeout(()=>document.getElementById(e)?.focus());function Ee(){let e=D.value,t=F.value.arg,r=e.find(a=>a.id===t);return t==="new"?s`<${B} key="new" />`:r?s`<${B} key=${r.id} camera=${r} />`:s`<main id="main" class="screen">
    <header class="screen-head"><h1 tabIndex=${-1}>Cameras</h1>
      <a class="button primary" href="#/cameras/new" data-testid="camera-add"><${m} name="plus" /><span>Add a camera</span></a></header>
    ${e.length===0?s`<${M} title="No cameras yet"><p>You need the camera's address on your network, its user name and its password.</p><//>`:s`<ul class="cams">${e.map(a=>s`<${ae} key=${a.id} c=${a} />`)}</ul>`}
  </main>`}function z(e){return[e.codec&&I(e.codec),e.width&&e.height?`${e.width} × ${e.height}`:"",e.fps?`${Math.round(e.fps*10)/10} fps`:"",e.bitrate_bps?N(e.bitrate_bps):""].filter(Boolean).join(" · ")}function ee(e){let t=e.last_written?Date.parse(e.last_written):NaN;return Number.isFinite(t)?`Last recorded ${P(A.value-t)}`:"No picture seen yet"}function ae({c:e}){let[t,r]=i(!1),[a,n]=i(!1);return s`<li class="cam" data-testid="camera-${e.id}">
    <div class="cam-main">
      <h2>${e.name}</h2>
      <${H} state=${e.state} />
      ${e.state_reason&&e.state!=="recording"&&s`<p class="cam-why cam-why-${e.state}">${_(e.state_reason)}</p>`}
      <p class="cam-facts">${j(e)&&z(e)||s`<span class="muted">${ee(e)}</span>`}</p>
      <p class="cam-url mono">${e.main_url||e.address||""}</p>
    </div>
    <div class="cam-tools">
      <${x} icon="probe" label="Test" text onClick=${()=>n(!0)} disabled=${y.value} testid="camera-test-${e.id}" />
      <a class="ib ib-text" href="#/cameras/${encodeURIComponent(e.id)}" data-testid="camera-edit-${e.id}"><${m} name="edit" /><span>Edit</span><span class="sr"> ${e.name}</span></a>
      <${x} icon="trash" label="Remove" text onClick=${()=>r(!0)} disabled=${y.value} testid="camera-delete-${e.id}" />
    </div>
    ${a&&s`<${te} c=${e} onClose=${()=>n(!1)} />`}
    ${t&&s`<${ne} c=${e} onClose=${()=>r(!1)} />`}
  </li>`}function te({c:e,onClose:t}){return s`<${V} title="Test ${e.name}" onClose=${t} testid="test-dialog"><${O} id=${e.id} auto /><//>`}function O({id:e,auto:t=!1}){let[r,a]=i(!1),[n,o]=i(null),[d,v]=i(!1),g=async()=>{a(!0),o(null);try{o(await b.test(e))}catch(l){o({ok:!1,reason:l.message})}finally{a(!1)}};return t&&!d&&(v(!0),g()),s`<div class="test" data-testid="test-result" data-ok=${n?String(K(n)):""}>
    <div role="status" aria-live="polite">
      ${r&&s`<p class="test-wait"><i class="spin" aria-hidden="true"></i>Opening the stream. This takes up to 12 seconds.</p>`}
      ${n&&s`<${re} r=${n} />`}
    </div>
    ${!r&&s`<button type="button" class="button" onClick=${g}>${n?"Test again":"Test the connection"}</button>`}
  </div>`}var K=e=>e.ok??!(e.error||e.reason);function se(e){return e.reason?e.reason:typeof e.error=="string"?e.error:e.error?.message??"The camera sent no picture."}function re({r:e}){let t=K(e),r=e.audio===!0?"yes":e.audio?I(e.audio):"none";return s`
    <p class="verdict ${t?"verdict-ok":"verdict-bad"}"><${m} name=${t?"check":"cross"} /><b>${t?"The camera answers and sends a picture":"No picture"}</b></p>
    ${e.steps?.length?s`<ol class="steps">${e.steps.map(a=>s`<li key=${a.name} class=${a.ok?"step-ok":"step-bad"}>
      <${m} name=${a.ok?"check":"cross"} size=${16} /><span><span class="sr">${a.ok?"Passed: ":"Failed: "}</span>${a.name}${a.detail&&s` <em>${a.detail}</em>`}${!a.ok&&a.hint&&s`<small>${a.hint}</small>`}</span>
      ${a.ms!==void 0&&s`<span class="mono muted">${a.ms} ms</span>`}</li>`)}</ol>`:null}
    ${t?s`<dl class="facts"><div><dt>Video</dt><dd>${z(e)||"not reported"}</dd></div><div><dt>Audio</dt><dd>${r}</dd></div>
          ${typeof e.ms=="number"&&s`<div><dt>Took</dt><dd>${(e.ms/1e3).toFixed(1)} s</dd></div>`}</dl>`:s`<p>${_(se(e))}</p>`}`}function ne({c:e,onClose:t}){let[r,a]=i(!1),[n,o]=i(""),d=async()=>{a(!0),o("");try{await b.remove(e.id),h.value=k(h.value,{v:1,t:"camera.removed",d:{id:e.id}},Date.now()),C("good",`${e.name} was removed.`),t(),R("cameras")}catch(v){o(v.message),a(!1)}};return s`<${V} title="Remove ${e.name}?" onClose=${t} testid="remove-dialog">
    <p>Vedette stops recording this camera and forgets its address and password.</p>
    <p class="muted">Its footage is no longer shown here, and stays on the disk until it is the oldest there. Download what you need first.</p>
    <div role="alert">${n&&s`<p class="form-error"><${m} name="warn" />${n}</p>`}</div>
    <div class="dialog-foot">
      <button type="button" class="button" onClick=${t}>Keep it</button>
      <button type="button" class="button danger" onClick=${d} disabled=${r} data-testid="remove-confirm">${r?"Removing…":"Remove camera"}</button>
    </div>
  <//>`}export{O as CameraTest,Ee as CamerasScreen,z as facts};
