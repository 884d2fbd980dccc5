import{c as q}from"./part-BDSPWL45.js";import{A as P,B as D,D as _,E as I,h as b}from"./part-IQK5J2HE.js";import{a as N,d as T}from"./part-7MXWNN6C.js";import{A as u,D as F,E as H,F as x,G as j,H as h,I as E,J as L,K as M,b as t,c as i,i as k,m as v,t as B,u as O,w as y,y as C}from"./part-K4XTX4UC.js";function z(e){return{name:e?.name??"",way:e&&!e.vendor?"urls":"vendor",vendor:e?.vendor??"",address:e?.address??"",main:e&&!e.vendor?e.main_url??"":"",sub:e&&!e.vendor?e.sub_url??"":"",user:e?.username??"",pass:"",record:e?.record??!0,audio:e?.audio??!0,volume:e?.volume??"",mirror:e?.mirror??""}}function R(e,s){let r={name:e.name.trim(),vendor:e.way==="vendor"?e.vendor:"",address:e.way==="vendor"?e.address.trim():"",main_url:e.way==="urls"?e.main.trim():"",sub_url:e.way==="urls"?e.sub.trim():"",username:e.user,record:e.record,audio:e.audio,volume:e.volume,mirror:e.mirror},a=s?R(s):{},n={};for(let[o,l]of Object.entries(r))(s?l!==(a[o]??""):l!=="")&&(n[o]=l);return e.pass&&(n.password=e.pass),n}var X=[{value:"hikvision",label:"Hikvision"},{value:"dahua",label:"Dahua"},{value:"reolink",label:"Reolink"},{value:"axis",label:"Axis"},{value:"amcrest",label:"Amcrest"},{value:"tapo",label:"Tapo"}];function Z(e){let s={};return e.name.trim()||(s.name="Give the camera a name."),e.way==="vendor"?(e.vendor||(s.vendor="Choose the maker, or give the stream addresses."),e.address.trim()||(s.address="Enter the camera’s address.")):/^rtsps?:\/\/./i.test(e.main.trim())||(s.main_url="Enter an address that begins with rtsp:// or rtsps://"),s}function S({camera:e}){let[s,r]=i(()=>z(e)),[a,n]=i(s),[o,l]=i({}),[d,g]=i(!1),[m,Y]=i(null),c=$=>w=>n(p=>({...p,[$]:w})),J=async $=>{$.preventDefault();let w=Z(a);if(l(w),Object.keys(w).length)return K(Object.keys(w)[0]);g(!0);try{let p=e??m,f=p?await b.change(p.id,R(a,s)):await b.add(R(a));f?.id&&(v.value=k(v.value,{v:1,t:"camera",d:f},Date.now())),C("good",p?`${a.name.trim()} was saved.`:`${a.name.trim()} was added.`),r({...a,pass:""}),n({...a,pass:""}),e?T("cameras"):Y(f)}catch(p){let f=p;l({[f.field??"form"]:f.message}),K(f.field??"")}finally{g(!1)}},Q=["name","vendor","address","main_url","sub_url","username","password","volume","mirror"],A=Object.entries(o).filter(([$])=>!Q.includes($)).map(([,$])=>$).join(" ");return t`<main id="main" class="screen narrow">
    <header class="screen-head"><a class="ib" href="#/cameras" aria-label="Back to all cameras"><${u} name="back" /></a>
      <h1 tabIndex=${-1}>${e?`Edit ${e.name}`:"Add a camera"}</h1></header>
    <form class="form" onSubmit=${J} noValidate>
      <div role="alert">${A&&t`<p class="form-error"><${u} name="warn" />${A}</p>`}</div>
      <${h} id="name" label="Name" value=${a.name} onInput=${c("name")} error=${o.name} placeholder="Front door" testid="camera-name" />
      <fieldset><legend>Where it is</legend>
        <${j} label="How to find the camera" testid="camera-way" value=${a.way} onPick=${c("way")}
          options=${[{value:"vendor",label:"By maker"},{value:"urls",label:"By stream address"}]} />
        ${a.way==="vendor"?t`<${ee} v=${a} set=${c} errors=${o} />`:t`<${se} v=${a} set=${c} errors=${o} />`}
      </fieldset>
      <fieldset><legend>How to sign in to it</legend>
        <div class="pair">
          <${h} id="username" label="User name" required=${!1} value=${a.user} onInput=${c("user")} error=${o.username} testid="camera-user" />
          <${h} id="password" label="Password" type="password" required=${!1} value=${a.pass} onInput=${c("pass")} error=${o.password} autocomplete="new-password" testid="camera-pass"
            placeholder=${e?.has_password?"unchanged":""} hint=${e?.has_password?"One is stored. It is never shown; write a new one to replace it.":void 0} />
        </div>
      </fieldset>
      <fieldset><legend>What to keep</legend>
        <${E} id="record" label="Record" hint="Off: live view only." checked=${a.record} onChange=${c("record")} testid="camera-record" />
        <${ae} v=${a} set=${c} errors=${o} />
        <${E} id="audio" label="Sound" hint="Kept as the camera sends it." checked=${a.audio} onChange=${c("audio")} testid="camera-audio" />
      </fieldset>
      <div class="form-foot">
        <button type="submit" class="button primary" disabled=${d||y.value} data-testid="camera-save">${d?"Saving…":e||m?"Save":"Add camera"}</button>
        <a class="button" href="#/cameras">${m?"Done":"Cancel"}</a>
      </div>
    </form>
    ${(m??e)&&t`<section class="card" aria-labelledby="test-h"><h2 id="test-h">Connection</h2>
      <p class="muted">${m?"The camera was added. This is what it answers:":"Tests what is saved, not what is typed above."}</p>
      <${V} key=${m?.id??e.id} id=${m?.id??e.id} auto=${!!m} /></section>`}
  </main>`}function ee({v:e,set:s,errors:r}){return t`<div class="pair">
    <div class="field ${r.vendor?"field-bad":""}"><label for="vendor">Maker</label>
      <div class="field-box"><select id="vendor" value=${e.vendor} data-testid="camera-vendor" aria-invalid=${r.vendor?"true":void 0} aria-describedby=${r.vendor?"vendor-error":void 0}
        onChange=${a=>s("vendor")(a.target.value)}>
        <option value="" selected=${!e.vendor}>Choose…</option>
        ${X.map(a=>t`<option value=${a.value} key=${a.value} selected=${e.vendor===a.value}>${a.label}</option>`)}
      </select></div>
      ${r.vendor&&t`<p class="field-error" id="vendor-error"><${u} name="warn" size=${16} />${r.vendor}</p>`}
    </div>
    <${h} id="address" label="Address" value=${e.address} onInput=${s("address")} error=${r.address} mono placeholder="192.168.1.64" testid="camera-address"
      hint="IP address or name; with :port if it is not 554." />
  </div>`}function ae({v:e,set:s,errors:r}){let a=(v.value.system.volumes??[]).map(n=>n.name??"").filter(Boolean);return a.length<2||!e.record?null:t`<div class="pair">
    <${U} id="volume" label="Disk" value=${e.volume} onPick=${s("volume")} error=${r.volume} none="Any, by room" names=${a} />
    <${U} id="mirror" label="Second copy" value=${e.mirror} onPick=${s("mirror")} error=${r.mirror} none="None" names=${a.filter(n=>n!==e.volume)} />
  </div>`}function U({id:e,label:s,value:r,onPick:a,error:n,none:o,names:l}){return t`<div class="field ${n?"field-bad":""}"><label for=${e}>${s}</label>
    <div class="field-box"><select id=${e} data-testid="camera-${e}" aria-invalid=${n?"true":void 0} aria-describedby=${n?`${e}-error`:void 0}
      onChange=${d=>a(d.target.value)}>
      <option value="" selected=${!r}>${o}</option>
      ${l.map(d=>t`<option value=${d} key=${d} selected=${r===d}>${d}</option>`)}
    </select></div>
    ${n&&t`<p class="field-error" id="${e}-error"><${u} name="warn" size=${16} />${n}</p>`}
  </div>`}function se({v:e,set:s,errors:r}){return t`<${h} id="main_url" label="Main stream, recorded" value=${e.main} onInput=${s("main")} error=${r.main_url} mono placeholder="rtsp://192.168.1.64:554/stream1" testid="camera-main-url" />
    <${h} id="sub_url" label="Sub stream, for the grid" required=${!1} value=${e.sub} onInput=${s("sub")} error=${r.sub_url} mono placeholder="rtsp://192.168.1.64:554/stream2" testid="camera-sub-url"
      hint="A smaller H.264 picture. It saves the network and shows where H.265 cannot." />`}var K=e=>e&&setTimeout(()=>document.getElementById(e)?.focus());function Be(){let e=O.value,s=N.value.arg,r=e.find(a=>a.id===s);return s==="new"?t`<${S} key="new" />`:r?t`<${S} key=${r.id} camera=${r} />`:t`<main id="main" class="screen">
    <header class="screen-head"><h1 tabIndex=${-1}>Cameras</h1>
      <a class="button primary" href="#/cameras/new" data-testid="camera-add"><${u} name="plus" /><span>Add a camera</span></a></header>
    ${e.length===0?t`<${M} title="No cameras yet"><p>You need the camera's address on your network, its user name and its password.</p><//>`:t`<ul class="cams">${e.map(a=>t`<${re} key=${a.id} c=${a} />`)}</ul>`}
  </main>`}function W(e){return[e.codec&&I(e.codec),e.width&&e.height?`${e.width} × ${e.height}`:"",e.fps?`${Math.round(e.fps*10)/10} fps`:"",e.bitrate_bps?P(e.bitrate_bps):""].filter(Boolean).join(" · ")}function te(e){let s=e.last_written?Date.parse(e.last_written):NaN;return Number.isFinite(s)?`Last recorded ${D(B.value-s)}`:"No picture seen yet"}function re({c:e}){let[s,r]=i(!1),[a,n]=i(!1);return t`<li class="cam" data-testid="camera-${e.id}">
    <div class="cam-main">
      <h2>${e.name}</h2>
      <${H} state=${e.state} />
      ${e.state_reason&&e.state!=="recording"&&t`<p class="cam-why cam-why-${e.state}">${_(e.state_reason)}</p>`}
      <p class="cam-facts">${F(e)&&W(e)||t`<span class="muted">${te(e)}</span>`}</p>
      <p class="cam-url mono">${e.main_url||e.address||""}</p>
    </div>
    <div class="cam-tools">
      <${x} icon="probe" label="Test" text onClick=${()=>n(!0)} disabled=${y.value} testid="camera-test-${e.id}" />
      <a class="ib ib-text" href="#/cameras/${encodeURIComponent(e.id)}" data-testid="camera-edit-${e.id}"><${u} name="edit" /><span>Edit</span><span class="sr"> ${e.name}</span></a>
      <${x} icon="trash" label="Remove" text onClick=${()=>r(!0)} disabled=${y.value} testid="camera-delete-${e.id}" />
    </div>
    ${a&&t`<${ne} c=${e} onClose=${()=>n(!1)} />`}
    ${s&&t`<${de} c=${e} onClose=${()=>r(!1)} />`}
  </li>`}function ne({c:e,onClose:s}){return t`<${L} title="Test ${e.name}" onClose=${s} testid="test-dialog"><${V} id=${e.id} auto /><//>`}function V({id:e,auto:s=!1}){let[r,a]=i(!1),[n,o]=i(null),[l,d]=i(!1),g=async()=>{a(!0),o(null);try{o(await b.test(e))}catch(m){o({ok:!1,reason:m.message})}finally{a(!1)}};return s&&!l&&(d(!0),g()),t`<div class="test" data-testid="test-result" data-ok=${n?String(G(n)):""}>
    <div role="status" aria-live="polite">
      ${r&&t`<p class="test-wait"><i class="spin" aria-hidden="true"></i>Opening the stream. This takes up to 12 seconds.</p>`}
      ${n&&t`<${ie} r=${n} />`}
    </div>
    ${!r&&t`<button type="button" class="button" onClick=${g}>${n?"Test again":"Test the connection"}</button>`}
  </div>`}var G=e=>e.ok??!(e.error||e.reason);function oe(e){return e.reason?e.reason:typeof e.error=="string"?e.error:e.error?.message??"The camera sent no picture."}function ie({r:e}){let s=G(e),r=e.audio===!0?"yes":e.audio?I(e.audio):"none";return t`
    <p class="verdict ${s?"verdict-ok":"verdict-bad"}"><${u} name=${s?"check":"cross"} /><b>${s?"The camera answers and sends a picture":"No picture"}</b></p>
    ${e.steps?.length?t`<ol class="steps">${e.steps.map(a=>t`<li key=${a.name} class=${a.ok?"step-ok":"step-bad"}>
      <${u} name=${a.ok?"check":"cross"} size=${16} /><span><span class="sr">${a.ok?"Passed: ":"Failed: "}</span>${a.name}${a.detail&&t` <em>${a.detail}</em>`}${!a.ok&&a.hint&&t`<small>${a.hint}</small>`}</span>
      ${a.ms!==void 0&&t`<span class="mono muted">${a.ms} ms</span>`}</li>`)}</ol>`:null}
    ${s?t`<dl class="facts"><div><dt>Video</dt><dd>${W(e)||"not reported"}</dd></div><div><dt>Audio</dt><dd>${r}</dd></div>
          ${typeof e.ms=="number"&&t`<div><dt>Took</dt><dd>${(e.ms/1e3).toFixed(1)} s</dd></div>`}</dl>`:t`<p>${_(oe(e))}</p>`}`}function de({c:e,onClose:s}){let r=async()=>{await b.remove(e.id),v.value=k(v.value,{v:1,t:"camera.removed",d:{id:e.id}},Date.now()),C("good",`${e.name} was removed.`),T("cameras")};return t`<${q} title="Remove ${e.name}?" verb="Remove camera" keep="Keep it" waits="Removing…" act=${r} onClose=${s} testid="remove">
    <p>Vedette stops recording this camera and forgets its address and password.</p>
    <p class="muted">Its footage is no longer shown here, and stays on the disk until it is the oldest there. Download what you need first.</p>
  <//>`}export{V as CameraTest,Be as CamerasScreen,W as facts};
